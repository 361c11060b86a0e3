#include "base/watch.h"

#if defined(__has_include)
#    if __has_include(<valgrind/memcheck.h>)
#        include <valgrind/memcheck.h>
#    endif
#endif

/* These functions exist only in programs that are compiled with -fsanitize=address. */
extern void __asan_poison_memory_region(void const volatile *p, size_t bytes) __attribute__((weak));
extern void __asan_unpoison_memory_region(void const volatile *p, size_t bytes)
    __attribute__((weak));

#ifdef RUNNING_ON_VALGRIND
static bool watch_by_valgrind(void) { return RUNNING_ON_VALGRIND != 0; }
#else
static bool watch_by_valgrind(void) { return false; }
#    define VALGRIND_CREATE_MEMPOOL(pool, gap, zeroed) (void)0
#    define VALGRIND_DESTROY_MEMPOOL(pool) (void)0
#    define VALGRIND_MEMPOOL_ALLOC(pool, p, bytes) (void)0
#    define VALGRIND_MEMPOOL_CHANGE(pool, p, to, bytes) (void)0
#    define VALGRIND_MEMPOOL_TRIM(pool, p, bytes) (void)0
#    define VALGRIND_MAKE_MEM_NOACCESS(p, bytes) (void)0
#    define VALGRIND_MAKE_MEM_UNDEFINED(p, bytes) (void)0
#endif

bool watch_is_on(void) { return __asan_poison_memory_region != NULL || watch_by_valgrind(); }

void watch_hide(void *p, size_t bytes) {
    if (__asan_poison_memory_region != NULL) __asan_poison_memory_region(p, bytes);
    VALGRIND_MAKE_MEM_NOACCESS(p, bytes);
}

void watch_show(void *p, size_t bytes) {
    if (__asan_unpoison_memory_region != NULL) __asan_unpoison_memory_region(p, bytes);
    VALGRIND_MAKE_MEM_UNDEFINED(p, bytes);
}

void watch_begin(void *pool, size_t bytes) {
    VALGRIND_CREATE_MEMPOOL(pool, WATCH_GAP, false);
    watch_hide((char *)pool - WATCH_GAP, bytes + WATCH_GAP);
}

void watch_end(void *pool, size_t bytes) {
    VALGRIND_DESTROY_MEMPOOL(pool);
    watch_show((char *)pool - WATCH_GAP, bytes + WATCH_GAP);
}

void watch_alloc(void *pool, void *p, size_t bytes) {
    (void)pool;
    if (__asan_unpoison_memory_region != NULL) __asan_unpoison_memory_region(p, bytes);
    VALGRIND_MEMPOOL_ALLOC(pool, p, bytes);
}

void watch_resize(void *pool, void *p, size_t old_bytes, size_t new_bytes) {
    (void)pool;
    VALGRIND_MEMPOOL_CHANGE(pool, p, p, new_bytes);
    if (new_bytes < old_bytes)
        watch_hide((char *)p + new_bytes, old_bytes - new_bytes);
    else
        watch_show((char *)p + old_bytes, new_bytes - old_bytes);
}

void watch_free_from(void *pool, size_t bytes, void *p) {
    size_t kept = (size_t)((char *)p - (char *)pool);
    VALGRIND_MEMPOOL_TRIM(pool, pool, kept);
    watch_hide(p, bytes - kept);
}
