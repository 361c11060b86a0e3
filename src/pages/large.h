/* Blocks larger than a slot: runs of pages below M_MMAP_THRESHOLD, mappings of their own from that
 * size on. */
#ifndef MALLOW_LARGE_H
#define MALLOW_LARGE_H

#include <stdbool.h>
#include <stddef.h>

/* Returns NULL when there is no memory. *zeroed: true if the block reads as zero. align: a power of
 * two. */
void *large_alloc(size_t size, size_t align, bool *zeroed);

/* Frees the run that begins at p; false when no block begins there, or it was freed already. */
bool large_free(void *p);

/* Frees a mapping; false when no mapping of a block begins at p. */
bool large_free_mapping(void *p);

/* Returns the size in bytes of the run that begins at p, or 0 if no block begins there. */
size_t large_usable(const void *p);

/* Resizes a run in place, or moves it to another run or into a mapping of its own. Returns NULL
 * when that is not possible; the block is then unchanged. */
void *large_resize(void *p, size_t size);

/* Resizes a mapping without a copy; it may move. Returns NULL when that is not possible; the block
 * is then unchanged. */
void *large_resize_mapping(void *p, size_t size);

#endif
