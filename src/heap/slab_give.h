/* Slots go back to where they came from: to a slab of the heap, to another heap's slab, or to the
 * shared slots. */
#ifndef MALLOW_SLAB_GIVE_H
#define MALLOW_SLAB_GIVE_H

#include "heap/heap.h"

/* Makes slots that only the caller has available again. Slabs that become empty are kept or retire.
 */
void slab_give(struct heap *heap, const struct entry *entries, unsigned count);

#endif
