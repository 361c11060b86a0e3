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
#include "mallow_page.h"

/* Samples need the bytes, guards the number of calls, and the summary each call by its class. */
enum { COUNT_BYTES = 1, COUNT_CALLS = 2, COUNT_EXACT = 4, COUNT_ANY = 7 };

/* Takes a slot for `size` bytes and counts the call. Returns NULL, and counts nothing, if the mode
 * must look at the call. All sentinels of EMPTY_HEAP lead to a magazine that is always empty, so
 * that heap never changes. */
ALWAYS_INLINE void *counting_take(size_t size, const struct magazine_entry *sentinel,
                                  unsigned what) {
    struct magazine *magazine = sentinel_magazine(sentinel);
    if (unlikely(magazine->top->slot == NULL)) return NULL;
    struct heap *heap = self_heap;
    int64_t bytes = heap->countdown.bytes - (int64_t)size, calls = heap->countdown.calls - 1;
    if ((what & COUNT_BYTES) != 0 && unlikely(bytes <= 0)) return NULL;
    if ((what & COUNT_CALLS) != 0 && unlikely(calls <= 0)) return NULL;
    if ((what & COUNT_BYTES) != 0) heap->countdown.bytes = bytes;
    if ((what & COUNT_CALLS) != 0) heap->countdown.calls = calls;
    if ((what & COUNT_EXACT) != 0 && heap->calls != NULL)
        heap->calls[magazine - heap->cached].allocations++;
    return fast_take(magazine);
}

#endif
