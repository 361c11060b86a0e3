/* Slots go back to where they came from: a slab of the heap, another heap's slab, or the shared
 * slots. */
#ifndef MALLOW_SLAB_GIVE_H
#define MALLOW_SLAB_GIVE_H

#include "heap/heap.h"

/* Makes slots that nobody else has available in their slabs again; slabs that are then empty
 * retire. */
void slab_give(struct heap *heap, const struct entry *entries, unsigned count);

#endif
