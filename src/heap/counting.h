/*
 * The counting path: a second path of malloc, for the modes that look at one call in many
 * (check/counted.c). It costs nothing while these modes are off.
 *
 * While calls are counted, the magazines that malloc's fast path reads are empty. Each has a
 * sentinel of its own, which leads to the magazine that has the slots (heap.h, `cached`):
 *
 *     heap->magazine[c]            heap->counting
 *     +-------+                    +--------------+
 *     |  top -----> sentinels[c] --> cached[c] --> [ sentinel | oldest | ... | newest | ...]
 *     +-------+                    | countdown[c] |
 *                                  +--------------+
 *
 * malloc finds no slot and calls the topmost mode, which pops the newest slot here, as the fast
 * path would, and decrements the countdown of the class. When the countdown has ended, or if there
 * is no slot, the mode looks at the call. Frees push onto the same magazine on their fast path,
 * because they find it through the slab. Slots are therefore reused in the same order as without
 * counting.
 *
 * One countdown serves all purposes. The mode starts it with the number of calls that it need not
 * look at: it grants these calls. The allocations of a class are therefore
 *
 *     granted - left        granted: all calls that were ever granted
 *                           left: the countdown
 *
 * and need no counter of their own.
 */
#ifndef MALLOW_COUNTING_H
#define MALLOW_COUNTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/fast.h"
#include "mallow_page.h"

/* Returns the countdown of the magazine's class. */
ALWAYS_INLINE const struct countdown *counting_beside(const struct magazine *magazine) {
    size_t distance = offsetof(struct counting, countdown) - offsetof(struct counting, cached);
    return (const struct countdown *)(const void *)((const char *)magazine + distance);
}

/* Takes a slot and counts the call. Returns NULL, and counts nothing, if the mode must look at the
 * call. All sentinels of EMPTY_HEAP lead to a magazine that is always empty and has no countdown.
 */
ALWAYS_INLINE void *counting_take(const struct magazine_entry *sentinel) {
    struct magazine *magazine = sentinel_magazine(sentinel);
    if (unlikely(magazine->top->slot == NULL)) return NULL;
    int64_t *left = counting_beside(magazine)->left;
    if (unlikely(--*left < 0)) {
        signal_order(); /* so that each is one instruction, which no signal handler interrupts */
        ++*left;
        return NULL;
    }
    return fast_take(magazine);
}

/* Returns false if there is no memory for the heap's `counting`. */
bool counting_make(struct heap *heap);

/* Grants calls of a class. */
static inline void counting_grant(struct heap *heap, unsigned size_class, int64_t calls) {
    *heap->counting->countdown[size_class].left += calls;
    if (heap->calls != NULL) heap->calls[size_class].granted += (uint64_t)calls;
}

/* Counts a call that is not part of a countdown (count: 1), or takes one back (count: -1). */
static inline void counting_add(struct heap *heap, unsigned size_class, int count) {
    if (heap->calls != NULL) heap->calls[size_class].granted += (uint64_t)(int64_t)count;
}

/* Takes back all calls that are left, so that the mode looks at the next call of each class. */
void counting_restart(struct heap *heap);

/* Moves the countdowns into the stripe, or, if it is NULL, out of theirs, and restarts them. */
void counting_use_stripe(struct heap *heap, struct mallow_class_calls *stripe);

#endif
