/* Captures the same stack with a cache in use and with an empty one: both results must be equal. */
#ifndef TWO_CACHES_H
#define TWO_CACHES_H

#include "check.h"
#include "stack/stack.h"

#include <sys/mman.h>

#define NOINLINE __attribute__((noinline))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

static _Thread_local struct stack_cache *warm, *fresh;

/* Captures with either cache come from this one call, so they differ only in the cache. */
NOINLINE static stack_id capture_with(struct stack_cache **cache) {
    stack_id stack = stack_capture(cache);
    KEEP_FRAME();
    return stack;
}

/* Unmaps the fresh cache, which ThreadSanitizer recognises as the end of its use. */
static void drop_fresh_cache(void) {
    if (fresh != NULL) munmap(fresh, stack_cache_bytes());
    fresh = NULL;
}

/* Both captures must have the same caller, so they run in a loop that the compiler cannot unroll.
 */
static volatile unsigned both = 2;

static inline void compare_captures(void) {
    stack_id ids[2];
    for (unsigned i = 0; i < both; i++) {
        __asm__ volatile("" : "+r"(i));
        ids[i] = capture_with(i == 0 ? &warm : &fresh);
    }
    CHECK(ids[0] != 0);
    CHECK_EQUAL(ids[0], ids[1]);
}

#endif
