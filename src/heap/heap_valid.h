/* The invariants of a heap as a whole, for assertions. */
#ifndef MALLOW_HEAP_VALID_H
#define MALLOW_HEAP_VALID_H

#include <stdbool.h>

#include "heap/heap.h"

/* Asserts that each listed slab belongs in its list and is in no other list. Returns true. */
bool heap_lists_are_valid(struct heap *heap);

/* Asserts that the heap's lists, listed slabs and magazines are valid. Only for the heap's owner.
 */
bool heap_is_valid(struct heap *heap);

/* Calls heap_is_valid once in many slow paths, because it is slow. Returns true. */
bool heap_is_valid_at_times(struct heap *heap);

#endif
