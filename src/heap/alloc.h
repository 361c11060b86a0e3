/* Allocation beyond the fast path. */
#ifndef MALLOW_ALLOC_H
#define MALLOW_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

struct found;
struct heap;

/* Any size at all, when fast_take found nothing. NULL and ENOMEM when there is no memory. Called as
 * the last thing of a function of the interface, whose caller special modes may name. */
void *alloc_slow(size_t size);

/* The same, aligned to `align`, a power of two of any size. */
void *alloc_aligned(size_t align, size_t size, const void *caller);

/* Without what special modes do. *zeroed: it reads as zero. */
void *alloc_plain(size_t size, size_t align, bool *zeroed);

/* A slab of the class with available slots, from the nearest place that has one; NULL when there is
 * no memory. */
struct slab *alloc_find_slab(struct heap *heap, unsigned class);

/* Frees whatever p is, when fast_give did not: remote, cold, large, foreign; a misuse ends here.
 * Called as the last thing of a function of the interface, whose caller it names in messages. */
void free_slow(void *p);

/* The same, by who tells more of the block than where it is. */
struct release;
void free_told(void *p, const struct release *how);

/* The same without what special modes do. */
void free_plain(void *p, const void *caller);

/* Resizes a block without copying it; NULL when that cannot be. */
void *resize_plain(void *p, size_t size);

/* What realloc does with a pointer that is no block of ours in use. */
void *resize_unknown(void *p, size_t size, const void *caller);

#endif
