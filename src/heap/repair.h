/*
 * Repairs data whose change was interrupted, by a fork while another thread was in a slow path, or
 * by a signal handler that jumped out of one.
 *
 * The tags of used runs, the slab descriptors and the state bytes are true after every store. All
 * lists and counts can be derived from them, and a repair builds them anew.
 */
#ifndef MALLOW_REPAIR_H
#define MALLOW_REPAIR_H

#include "heap/heap.h"

/* Repairs a heap, which the caller owns and has marked busy. Finds the slots that were on their way
 * between a magazine and a slab. */
void repair_heap(struct heap *heap);

/* In the child of a fork: repairs the data under the global lock and the shared slots, if another
 * thread held their locks. */
void repair_after_fork(void);

#endif
