/* The magazines of a heap: how their arrays grow, and how their slots go back to slabs. */
#ifndef MALLOW_MAGAZINE_H
#define MALLOW_MAGAZINE_H

#include <stdbool.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "heap/heap.h"

/* Makes all magazines of a new heap empty, without an array, and visible to the fast path. */
void magazines_init(struct heap *heap);

/* Moves the class's entries to a larger array if that is allowed and worthwhile. Called when a
 * magazine of the class is empty or full. */
void magazine_grow(struct heap *heap, unsigned size_class);

/* Gives the older half of all magazines back to their slabs, and halves the arrays of those that
 * were neither empty nor full since the last call. */
void magazines_halve(struct heap *heap);

/* Returns how many slots a refill takes from a slab; 0 while there is no array. */
unsigned magazine_want(const struct heap *heap, unsigned size_class);

/* Gives the `count` oldest entries of the magazine back to their slabs. */
void magazine_flush(struct heap *heap, unsigned size_class, unsigned count);

/* Gives the entries of all magazines back to their slabs. */
void magazines_flush_all(struct heap *heap);

/* Empties all magazines and frees their arrays, so that new arrays follow the current settings.
 * Returns false if a lock was refused; the caller then tries again later. */
bool magazines_renew(struct heap *heap);

/* Empties all magazines, for a repair. The repair of the heap's slabs finds their slots. Shared
 * slots are given back here. */
void magazines_forget(struct heap *heap);

/* Returns the number of slots in the class's magazine. */
unsigned magazine_count(const struct heap *heap, unsigned size_class);

/* Asserts that the class's magazine has its sentinel, and that its entries are different cached
 * slots of the class. Returns true. Only for the heap's owner. */
bool magazine_is_valid(const struct heap *heap, unsigned size_class);

static inline bool magazine_full(const struct magazine *magazine) {
    return magazine->top + 1 == magazine->limit;
}

/* Pushes a cached slot onto a magazine that is not full. The entry is complete before `top` covers
 * it. */
static inline void magazine_push(struct heap *heap, unsigned size_class,
                                 struct magazine_entry entry) {
    struct magazine_entry *next = heap->cached[size_class].top + 1;
    MALLOW_ASSERT(!magazine_full(&heap->cached[size_class]));
    MALLOW_ASSERT(entry.slot != NULL);
    *next = entry;
    signal_order();
    heap->cached[size_class].top = next;
    sanitizer_release(heap);
}

#endif
