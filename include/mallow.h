/*
 * Mallow: what it offers beyond <stdlib.h> and <malloc.h>.
 *
 * Preloaded or linked, the library replaces malloc and its whole family; nothing here is needed
 * for that. These are the same functions under names of their own, for programs that keep the
 * system's malloc and use Mallow for some of their memory. Blocks of both families are the same
 * while the library replaces malloc.
 *
 * All functions are thread-safe. None is async-signal-safe, but a signal handler that interrupts
 * one of them may exit or jump away with siglongjmp without harm. An invalid pointer ends the
 * process with a message (mallow(7), on_error).
 */
#ifndef MALLOW_H
#define MALLOW_H

#include <malloc.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A block of at least `size` bytes, aligned to 16, content unspecified; malloc(3).
 * size 0: a unique address that must not be accessed. NULL and errno ENOMEM when there is no
 * memory or size exceeds PTRDIFF_MAX. */
void *mallow_malloc(size_t size);

/* The same for `count` times `size` bytes, all zero; malloc(3). ENOMEM when the product
 * overflows. */
void *mallow_calloc(size_t count, size_t size);

/* Resizes a block, moving it if it must; malloc(3). block NULL: mallow_malloc. size 0: frees the
 * block and returns NULL, as glibc does. NULL and ENOMEM when there is no memory: the block is
 * then untouched. */
void *mallow_realloc(void *block, size_t size);

/* The same for `count` times `size` bytes; ENOMEM when the product overflows. */
void *mallow_reallocarray(void *block, size_t count, size_t size);

/* Frees a block, whatever function returned it; malloc(3). NULL: does nothing. Keeps errno. */
void mallow_free(void *block);

/* A block aligned to `align` bytes; memalign(3). An alignment that is no power of two is rounded
 * up to one. NULL and errno EINVAL when that is not possible, ENOMEM when there is no memory. */
void *mallow_memalign(size_t align, size_t size);

/* The same with C11's rule: NULL and errno EINVAL unless align is a power of two. */
void *mallow_aligned_alloc(size_t align, size_t size);

/* The same with POSIX's: stores the block in *result and returns 0; or leaves *result and returns
 * EINVAL, unless align is a power of two and a multiple of sizeof(void *), or ENOMEM. */
int mallow_posix_memalign(void **result, size_t align, size_t size);

/* A block aligned to the page size; pvalloc rounds the size up to pages too; valloc(3). */
void *mallow_valloc(size_t size);
void *mallow_pvalloc(size_t size);

/* Bytes of the block that may be used, at least what was asked for; 0 for NULL;
 * malloc_usable_size(3). */
size_t mallow_usable_size(const void *block);

/* Returns free memory to the kernel but for `pad` bytes; malloc_trim(3). 1 when some was
 * returned, else 0. */
int mallow_trim(size_t pad);

#ifdef __cplusplus
}
#endif

#endif
