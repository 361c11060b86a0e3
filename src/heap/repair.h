/*
 * Making structures whole that were caught in motion: by a fork while another thread was inside,
 * or by a signal handler that jumped out of a slow path.
 *
 * Everything that lists and counts say is derived from what one store at a time keeps true: the
 * tags of used runs, the slab descriptors and the state bytes. So they are made anew from those.
 */
#ifndef MALLOW_REPAIR_H
#define MALLOW_REPAIR_H

#include "heap/heap.h"

/* The caller owns the heap, which is marked busy. Slots that were on their way between magazine and
 * slab are found. */
void repair_heap(struct heap *heap);

/* The child of a fork: what the global lock protected, if some other thread held it. */
void repair_after_fork(void);

#endif
