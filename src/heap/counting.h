/*
 * The counting path: a second path of malloc, for the modes that look at one call in many
 * (check/counted.c). It costs nothing while they are off.
 *
 * While calls are counted, the magazines that malloc's fast path reads are empty. Each has a
 * sentinel of its own, which leads to the magazine that has the slots (heap.h, `cached`):
 *
 *     heap->magazine[c]            heap->counting
 *     +-------+                    +--------------+
 *     |  top -----> sentinels[c] --> cached[c] --> [ sentinel | oldest | ... | newest | ...]
 *     +-------+                    +--------------+
 *
 * malloc finds no slot and calls the topmost mode, which pops the newest slot here, as the fast
 * path would, and decrements a countdown. When the countdown has run out, or if there is no slot,
 * the mode looks at the call. Frees push onto the same magazine on their fast path, because they
 * find it through the slab. Slots are therefore reused in the order in which they would be without
 * counting.
 */
#ifndef MALLOW_COUNTING_H
#define MALLOW_COUNTING_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/fast.h"

/* Takes a slot and counts the call. Returns NULL, and counts nothing, if the mode must look at the
 * call. All sentinels of EMPTY_HEAP lead to a magazine that is always empty, so that heap never
 * changes. */
ALWAYS_INLINE void *counting_take(const struct magazine_entry *sentinel, bool calls) {
    struct magazine *magazine = sentinel_magazine(sentinel);
    if (unlikely(magazine->top->slot == NULL)) return NULL;
    struct heap *heap = self_heap;
    if (calls) {
        int64_t left = heap->countdown.calls - 1;
        if (unlikely(left < 0)) return NULL;
        heap->countdown.calls = left;
    }
    return fast_take(magazine);
}

/* Does the same for whatever is counted. */
ALWAYS_INLINE void *counting_take_any(const struct magazine_entry *sentinel) {
    return counting_take(sentinel, true);
}

#endif
