/* What heaps keep goes back, and slabs of heaps without a thread serve others. */
#ifndef MALLOW_HEAP_REAP_H
#define MALLOW_HEAP_REAP_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/heap.h"

/* Gives what the heap keeps in magazines back to its slabs, and empty slabs to all; false when no
 * slab was empty. Of the owner. */
bool heap_reap(struct heap *heap);

/* The same for all that it keeps, blocks that wait in special modes included. */
bool heap_reap_whole(struct heap *heap);

/* The same for the heaps of threads that are gone; how many these are, and how many others. */
struct heap_counts {
    size_t with_thread, without_thread;
};
struct heap_counts heap_reap_all(void);

/* Gives up what the thread keeps for itself, when memory is short; false when it kept none. */
bool heap_relieve(void);

/* Takes a slab with free slots of the class from a heap whose thread is gone. */
struct slab *heap_take_orphan_slab(struct heap *heap, unsigned size_class);

#endif
