/* Heaps give back what they keep, and slabs of heaps without a thread serve other threads. */
#ifndef MALLOW_HEAP_REAP_H
#define MALLOW_HEAP_REAP_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/heap.h"

/* Gives the slots in the heap's magazines back to its slabs, and retires its empty slabs. Returns
 * false if no slab was empty. Called only by the owner. */
bool heap_reap(struct heap *heap);

/* Like heap_reap, but first gives back what the modes keep in the heap, such as blocks in a
 * quarantine. */
bool heap_reap_whole(struct heap *heap);

/* Reaps all heaps whose threads have ended. Returns their number, and the number of other heaps. */
struct heap_counts {
    size_t with_thread, without_thread;
};
struct heap_counts heap_reap_all(void);

/* Gives back all that the calling thread keeps, when memory is short. Returns false if that freed
 * nothing. */
bool heap_relieve(void);

/* Takes a slab with available slots of the class from a heap whose thread has ended, preferably
 * from the one whose slots the calling thread frees: its further frees there are then its own.
 * Returns NULL if it found none. */
struct slab *heap_take_orphan_slab(struct heap *heap, unsigned size_class);

#endif
