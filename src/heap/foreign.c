#include "heap/foreign.h"

#include "base/layout.h"

#ifdef MALLOW_PRELOAD

#    include <dlfcn.h>
#    include <errno.h>
#    include <malloc.h>
#    include <unistd.h>

#    include "os/os.h"

static struct {
    void (*free)(void *);
    void *(*realloc)(void *, size_t);
    size_t (*usable_size)(void *);
    struct mallinfo2 (*info)(void);
} foreign_libc;

/* Keeps the first answer. A slow thread may call dlsym after another thread has redirected libc's
 * names (deep_binding.c), and then it gets our function. That answer is dropped, because the other
 * thread stored the right one before it redirected the names. */
static bool foreign_find(void *function, const char *name) {
    void **kept = function, *nothing = NULL;
    if (__atomic_load_n(kept, __ATOMIC_ACQUIRE) != NULL) return true;
    void *answer = dlsym(RTLD_NEXT, name);
    __atomic_compare_exchange_n(kept, &nothing, answer, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    return answer != NULL;
}

/* Called only when it is needed, because the look-up takes the loader's lock and a page of stack.
 * The caller holds none of our locks, so no thread that holds the loader's lock can wait for the
 * caller. */
static bool foreign_find_libc(void) {
    int before = errno;
    bool all = foreign_find(&foreign_libc.free, "free") &&
               foreign_find(&foreign_libc.realloc, "realloc") &&
               foreign_find(&foreign_libc.usable_size, "malloc_usable_size") &&
               foreign_find(&foreign_libc.info, "mallinfo2");
    errno = before;
    return all;
}

#    define PREV_INUSE ((size_t)1)
#    define IS_MMAPPED ((size_t)2)
#    define FLAGS ((size_t)7)

/* Returns true if the words before p are the header of a used chunk of libc. The kernel reads them,
 * because p may be any address. */
static bool foreign_looks_like_chunk(const void *p) {
    size_t header[2], next;
    const char *chunk = (const char *)p - sizeof header;
    if ((uintptr_t)p % UNIT != 0 || !os_read_memory(chunk, header, sizeof header)) return false;
    size_t size = header[1] & ~FLAGS;
    if (size < (size_t)2 * UNIT || size % UNIT != 0) return false;
    if (header[1] & IS_MMAPPED)
        return header[0] % UNIT == 0 && ((uintptr_t)chunk - header[0]) % os_page_size() == 0 &&
               (size + header[0]) % os_page_size() == 0;
    return os_read_memory(chunk + size + sizeof(size_t), &next, sizeof next) &&
           (next & PREV_INUSE) != 0;
}

static bool foreign_is_libc_block(const void *p) {
    if (!foreign_looks_like_chunk(p) || !foreign_find_libc()) return false;
    struct mallinfo2 info = foreign_libc.info();
    return info.arena != 0 || info.hblks != 0;
}

void foreign_prepare(void) { foreign_find_libc(); }

bool foreign_free(void *p) {
    if (!foreign_is_libc_block(p)) return false;
    foreign_libc.free(p);
    return true;
}

bool foreign_realloc(void *p, size_t size, void **moved) {
    if (!foreign_is_libc_block(p)) return false;
    *moved = foreign_libc.realloc(p, size);
    return true;
}

bool foreign_usable_size(const void *p, size_t *usable) {
    if (!foreign_is_libc_block(p)) return false;
    *usable = foreign_libc.usable_size((void *)(uintptr_t)p);
    return true;
}

#else /* a static program has only one heap */

void foreign_prepare(void) {}

bool foreign_free(void *p) {
    (void)p;
    return false;
}

bool foreign_realloc(void *p, size_t size, void **moved) {
    (void)p, (void)size, (void)moved;
    return false;
}

bool foreign_usable_size(const void *p, size_t *usable) {
    (void)p, (void)usable;
    return false;
}

#endif
