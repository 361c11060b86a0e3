#include "heap/repair.h"

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/heap_valid.h"
#include "heap/magazine.h"
#include "heap/remote.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "os/open_lock.h"
#include "pages/mapping.h"
#include "pages/meta.h"
#include "pages/pages.h"
#include "pages/pages_valid.h"

RARE void repair_heap(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    magazines_forget(heap);
    heap->empties = 0;
    heap->granules = 0;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        racy_store(&heap->bin[size_class].partial, NULL);
    size_t granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    for (size_t granule = 1; granule < granules; granule++) {
        struct slab *slab = slab_of(granule);
        if (atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap && slab->index == 0)
            slab_repair(heap, slab);
    }
    remote_collect_all(heap);
    MALLOW_ASSERT(heap_is_valid(heap));
}

/* Called by the thread that took the lock over. */
static RARE void repair_pages(void) {
    open_lock_assert_held(&global_lock);
    space_repair();
    meta_repair();
    pages_rebuild(false);
}

struct open_lock global_lock = {.repair = repair_pages, .kind = GLOBAL_LOCK};

RARE void repair_after_fork(void) {
    bool was_held = open_lock_after_fork(&global_lock);
    if (was_held) {
        space_repair();
        meta_forget_free();
        pages_rebuild(true);
    }
    MALLOW_ASSERT(open_lock_is_held(&global_lock) || pages_are_valid());
    shared_after_fork(was_held);
}
