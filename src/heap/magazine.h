/* Magazines of a heap: their arrays, and what happens when one is full or not yet there. */
#ifndef MALLOW_MAGAZINE_H
#define MALLOW_MAGAZINE_H

#include <stdbool.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "heap/heap.h"

/* Sets all magazines of a heap to `heap_no_entries`. */
void magazines_init(struct heap *heap);

/* Gives the class a larger array, with the same entries, if it may have one. */
void magazine_grow(struct heap *heap, unsigned size_class);

/* How many slots to take from a slab at once; 0 while there is no array. */
unsigned magazine_want(const struct heap *heap, unsigned size_class);

/* Gives the `count` oldest entries back to their slabs. */
void magazine_flush(struct heap *heap, unsigned size_class, unsigned count);

/* Flushes all, of a heap that no thread owns. */
void magazines_flush_all(struct heap *heap);

/* Gives all back and begins anew, with arrays that the settings of now allow; false when that is to
 * be tried again. */
bool magazines_renew(struct heap *heap);

/* Empties all. The heap's own slots are found when its slabs are repaired; others' are given back.
 */
void magazines_forget(struct heap *heap);

/* Of what freed slots go to. */
unsigned magazine_count(const struct heap *heap, unsigned size_class);

/* While allocations are sampled: makes what was freed what is allocated from, which is empty; false
 * when less than `least` slots were. */
bool magazine_swap(struct heap *heap, unsigned size_class, unsigned least);

/* Asserts that the class's magazines have their sentinels, and that their entries are cached slots
 * of the class, each of them once. Returns true. Only for the heap's owner. */
bool magazine_is_valid(const struct heap *heap, unsigned size_class);

static inline bool magazine_full(const struct magazine *magazine) {
    return magazine->top + 1 == magazine->limit;
}

/* Puts a cached slot on a magazine that is not full; complete before `top` covers it. */
static inline void magazine_push(struct heap *heap, unsigned size_class, struct entry entry) {
    struct entry *next = heap->freed[size_class].top + 1;
    MALLOW_ASSERT(!magazine_full(&heap->freed[size_class]));
    MALLOW_ASSERT(entry.slot != NULL);
    *next = entry;
    signal_order();
    heap->freed[size_class].top = next;
    sanitizer_release(heap);
}

#endif
