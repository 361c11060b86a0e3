/* Allocation beyond the fast path. */
#ifndef MALLOW_ALLOC_H
#define MALLOW_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

struct heap;

/* Returns the size class of a block with this size and alignment, or CLASSES if it takes whole
 * pages. */
unsigned alloc_class(size_t size, size_t align);

/* Allocates `size` bytes, aligned to `align`, a power of two, as the plain mode does. Sets *zeroed
 * if they read as zero. Returns NULL and sets errno to ENOMEM if there is no memory. */
void *alloc_plain(size_t size, size_t align, bool *zeroed);

/* Allocates like memalign, for alignments above UNIT or modes other than the plain one. `caller` is
 * the return address of the call from the program. */
void *alloc_aligned(size_t align, size_t size, const void *caller);

/* Returns a slab of the heap and class with available slots, from the cheapest source that has one.
 * Returns NULL if there is no memory. */
struct slab *alloc_find_slab(struct heap *heap, unsigned size_class);

/* Notes that a block is larger than its class because memory was short: a shrinking realloc could
 * not allocate the smaller copy and kept the block in place, or a small block got a page. */
void alloc_note_larger(void);

/* Returns true if such a block was ever noted. */
bool alloc_may_be_larger(void);

/* Frees p, which is not NULL, as the plain mode does: a slot, pages, or a block of libc. Reports
 * misuse. Messages name `caller`. */
void free_plain(void *p, const void *caller);

/* Resizes p, a plain block, to `size` bytes, which are not 0. */
void *realloc_plain(void *p, size_t size, const void *caller);

/* Allocates a copy of `size` bytes, with `room` further bytes, if possible, so that it can grow. */
typedef void *realloc_copy_function(size_t size, size_t room);

/* Like realloc_plain, but allocates a copy with this function. */
void *realloc_plain_to(void *p, size_t size, const void *caller, realloc_copy_function *allocate);

/* Returns how many further bytes a copy of a block of `usable` bytes should have. */
size_t realloc_room(size_t usable, size_t size);

/* Resizes a plain block without copying it. Returns NULL if that is not possible. */
void *realloc_plain_in_place(void *p, size_t size);

/* Resizes p, which is not a block of this library: either a block of libc, or misuse, which it
 * reports. */
void *realloc_unknown(void *p, size_t size, const void *caller);

#endif
