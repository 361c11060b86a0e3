#include "process/program_heap.h"

#ifdef MALLOW_PRELOAD

#    include <dlfcn.h>
#    include <errno.h>

#    include "guard/guard_range.h"
#    include "mallow.h"
#    include "pages/space.h"

static bool program_heap_is_our_block(const void *p) {
    return granule_of(p) < __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE) ||
           guard_range_contains(p);
}

bool program_heap_is_ours(void) {
    void *(*allocate)(size_t);
    void (*free_again)(void *);
    int before = errno;
    *(void **)&allocate = dlsym(RTLD_DEFAULT, "malloc");
    *(void **)&free_again = dlsym(RTLD_DEFAULT, "free");
    bool ours = allocate == NULL || free_again == NULL || allocate == mallow_malloc;
    if (!ours) {
        void *block = allocate(1);
        ours = block == NULL || program_heap_is_our_block(block);
        free_again(block);
    }
    errno = before;
    return ours;
}

#else /* a static program has only one malloc */

bool program_heap_is_ours(void) { return true; }

#endif
