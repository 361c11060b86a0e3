/* Growth of a heap. The heap is locked, or no other process can use it. */
#ifndef MALLOW_GROWTH_H
#define MALLOW_GROWTH_H

#include "shared/heap.h"

/* Finds a free block for `size` bytes. The heap grows if there is none. Stores the block's position
 * and order. Returns MALLOW_OK or the failure that it recorded. */
enum mallow_result growth_find(struct heap *heap, size_t size, uint64_t *position,
                               unsigned *found_order, const char *function);

/* Makes the heap `units` units large, which is a multiple of IMAGE_GRANULE, and at most the
 * maximum. Returns MALLOW_OK or the failure that it recorded. */
enum mallow_result growth_to(struct heap *heap, uint64_t units, const char *function);

/* Allocates the memory of the present units again, because a copy of a file can have holes. Returns
 * false and sets errno on failure. */
bool growth_reserve(struct heap *heap);

/* Returns the offset of the first byte that is not 0 in the states and the index of units beyond
 * the present ones, or 0 if there is none. Growth relies on these bytes being 0. */
uint64_t growth_find_beyond(const struct heap *heap);

#endif
