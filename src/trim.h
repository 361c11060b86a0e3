/* Pages inside slabs that go back to the kernel: for malloc_trim all, for heap_trim_idle some. */
#ifndef MALLOW_TRIM_H
#define MALLOW_TRIM_H

#include "heap.h"

/* Returns to the kernel the whole pages of available slots in the heap's slabs; the caller owns
 * the heap and its magazines are empty. True when some went. */
bool trim_slabs(struct heap *heap);

/* Returns pages that hold nothing but slots which other threads freed, in the slabs of a heap that
 * the caller visits, until `pages` went or none is left; how many went. */
size_t trim_remote(struct heap *heap, size_t pages);

#endif
