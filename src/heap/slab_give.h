/* Gives slots back to where they came from: a slab of the heap, another heap's slab, or the shared
 * slots. */
#ifndef MALLOW_SLAB_GIVE_H
#define MALLOW_SLAB_GIVE_H

#include "heap/heap.h"

/* Gives back slots that only the caller holds. Slabs that become empty are kept or retire. */
void slab_give(struct heap *heap, const struct magazine_entry *entries, unsigned count);

#endif
