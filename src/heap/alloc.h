/* Allocation beyond the fast path. */
#ifndef MALLOW_ALLOC_H
#define MALLOW_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

struct heap;

/* Allocates `size` bytes, aligned to `align`, a power of two, as the plain mode does. Sets *zeroed
 * if they read as zero. NULL and ENOMEM when there is no memory. */
void *alloc_plain(size_t size, size_t align, bool *zeroed);

/* As memalign, when the alignment is more than each block has. `caller`: of the interface. */
void *alloc_aligned(size_t align, size_t size, const void *caller);

/* A slab of the class with available slots, from the nearest place that has one; NULL when there is
 * no memory. */
struct slab *alloc_find_slab(struct heap *heap, unsigned size_class);

/* A block became larger than the program asked for because memory was short: a shrinking realloc
 * could not allocate the smaller copy and kept the block, or a page was mapped for a small one. */
void alloc_note_larger(void);
bool alloc_may_be_larger(void);

/* Frees p, which is not NULL, as the plain mode does: a slot of this thread or another, pages, or a
 * block of libc's. Misuse ends here. `caller` is named in messages. */
void free_plain(void *p, const void *caller);

/* realloc of a plain block, size not 0. */
void *realloc_plain(void *p, size_t size, const void *caller);

/* Resizes a plain block without copying it; NULL when that cannot be. */
void *realloc_plain_in_place(void *p, size_t size);

/* realloc of a pointer that is no block in use of ours. */
void *realloc_unknown(void *p, size_t size, const void *caller);

#endif
