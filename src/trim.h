/* malloc_trim: everything free goes back, also pages between live blocks of a slab. */
#ifndef MALLOW_TRIM_H
#define MALLOW_TRIM_H

#include "heap.h"

/* Returns to the kernel the whole pages of available slots in the heap's slabs; the caller owns
 * the heap and its magazines are empty. True when some went. */
bool trim_slabs(struct heap *heap);

#endif
