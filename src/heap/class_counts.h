/*
 * Derives the frees of a class from its slots, while calls are counted exactly (call_counts.h).
 *
 * The counting path counts the allocations of a class in the heap's stripe (counting.h). Frees stay
 * on the fast path and are not counted. They follow from three numbers of each heap and class:
 *
 *     live  = issued - cached           issued: slots that left the slabs for this heap's magazine
 *     frees = allocations - live                or for the program, less those that went back
 *                                       cached: slots in the magazine now
 *
 * A slot that this heap frees for another heap counts as one that went back. `issued` and `live` of
 * a single heap can therefore be negative, but their sums over all heaps are right. Only slow paths
 * change `issued`.
 */
#ifndef MALLOW_CLASS_COUNTS_H
#define MALLOW_CLASS_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/heap.h"
#include "mallow_page.h"

struct class_counts {
    int64_t issued[CLASSES];
    int64_t seen[CLASSES]; /* live slots at the last look */
    bool is_shared;        /* the stripe is in the call file */
};

/* Counts slots that left slabs (count > 0) or went back (count < 0). */
ALWAYS_INLINE void class_counts_issue(struct heap *heap, unsigned size_class, int64_t count) {
    if (unlikely(heap->calls != NULL)) heap->counting->counts->issued[size_class] += count;
}

/* Returns the live slots of the class. `cached`: those in its magazine. */
static inline int64_t class_counts_live(const struct heap *heap, unsigned size_class,
                                        unsigned cached) {
    return racy_load(int64_t, &heap->counting->counts->issued[size_class]) - (int64_t)cached;
}

/* Updates the frees of the class in the heap's stripe, and returns its live slots. */
static inline int64_t class_counts_look(struct heap *heap, unsigned size_class, unsigned cached) {
    struct mallow_class_calls *calls = heap->calls;
    int64_t live = class_counts_live(heap, size_class, cached);
    calls[size_class].frees = mallow_class_allocations(&calls[size_class]) - (uint64_t)live;
    return live;
}

#endif
