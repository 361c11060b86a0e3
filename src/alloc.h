/* Allocation beyond the fast path. */
#ifndef MALLOW_ALLOC_H
#define MALLOW_ALLOC_H

#include "config.h"

/* Any size at all, when fast_take found nothing. NULL and ENOMEM when there is no memory. */
void *alloc_slow(size_t size);

/* The same without telling mtrace(3). */
void *alloc_untraced(size_t size);

/* mallow_malloc and mallow_memalign, where the caller is not the one that will be returned to. */
void *alloc_for(size_t size, const void *caller);
void *memalign_for(size_t align, size_t size, const void *caller);

/* Aligned to `align`, a power of two of any size. *zeroed: it reads as zero. */
void *alloc_aligned(size_t align, size_t size, bool *zeroed);

/* Frees whatever p is, when fast_give did not: remote, cold, large, foreign; a misuse ends here.
 * Called as the last thing of a function of the interface, whose caller it names in messages. */
void free_slow(void *p);
void free_untraced(void *p);

#endif
