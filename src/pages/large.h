/* Blocks larger than a slot: runs of pages below M_MMAP_THRESHOLD, own mappings from there on. */
#ifndef MALLOW_LARGE_H
#define MALLOW_LARGE_H

#include <stdbool.h>
#include <stddef.h>

/* NULL when there is no memory. *zeroed: it reads as zero. align: a power of two. */
void *large_alloc(size_t size, size_t align, bool *zeroed);

/* Frees a run that begins at the page of p; false when no block does (any more). */
bool large_free(void *p);

/* Bytes of the run that begins at p, or 0 when no block does. */
size_t large_usable(const void *p);

/* Resizes a run: in place, or by moving its pages into a mapping of its own. NULL when neither
 * is possible; the block is then untouched. */
void *large_resize(void *p, size_t size);

#endif
