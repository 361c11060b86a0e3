/*
 * The functions that jemalloc(3) adds to the standard ones. A program that is linked with jemalloc
 * mixes them with malloc_usable_size and free (redis from version 8 on). If the standard functions
 * come from the preloaded library, these must also come from it. Arenas and thread caches in the
 * flags are ignored. mallctl remains that of jemalloc, and its figures do not include the blocks of
 * this library.
 */
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"

#ifdef MALLOW_PRELOAD

#    include <string.h>

#    include "mallow.h"

#    define LG_ALIGN_MASK 63
#    define ZERO 0x40

EXPORT void *mallocx(size_t size, int flags);
EXPORT void *rallocx(void *block, size_t size, int flags);
EXPORT size_t xallocx(void *block, size_t size, size_t extra, int flags);
EXPORT size_t sallocx(const void *block, int flags);
EXPORT void dallocx(void *block, int flags);
EXPORT void sdallocx(void *block, size_t size, int flags);
EXPORT size_t nallocx(size_t size, int flags);

static size_t jemalloc_align(int flags) { return (size_t)1 << (flags & LG_ALIGN_MASK); }

EXPORT void *mallocx(size_t size, int flags) {
    size_t align = jemalloc_align(flags);
    if (align <= UNIT) return (flags & ZERO) != 0 ? mallow_calloc(1, size) : mallow_malloc(size);
    void *block = mallow_memalign(align, size);
    if (block != NULL && (flags & ZERO) != 0) memset(block, 0, size);
    return block;
}

static void *jemalloc_move_aligned(void *block, size_t size, int flags) {
    size_t before = mallow_usable_size(block);
    void *moved = mallocx(size, flags);
    if (moved == NULL) return NULL;
    memcpy(moved, block, min_size(before, size));
    mallow_free(block);
    return moved;
}

/* With ZERO, the bytes after the old usable size read as zero. */
EXPORT void *rallocx(void *block, size_t size, int flags) {
    if (jemalloc_align(flags) > UNIT) return jemalloc_move_aligned(block, size, flags);
    if ((flags & ZERO) == 0) return mallow_realloc(block, max_size(size, 1));
    size_t before = mallow_usable_size(block);
    char *moved = mallow_realloc(block, max_size(size, 1));
    size_t after = moved == NULL ? 0 : mallow_usable_size(moved);
    if (after > before) memset(moved + before, 0, after - before);
    return moved;
}

/* jemalloc may resize the block in place and returns its usable size. Here the block keeps its
 * size. */
EXPORT size_t xallocx(void *block, size_t size, size_t extra, int flags) {
    (void)size, (void)extra, (void)flags;
    return mallow_usable_size(block);
}

EXPORT size_t sallocx(const void *block, int flags) {
    (void)flags;
    return mallow_usable_size(block);
}

EXPORT void dallocx(void *block, int flags) {
    (void)flags;
    mallow_free(block);
}

/* Callers may pass any size from the requested to the usable one, so it is not checked. */
EXPORT void sdallocx(void *block, size_t size, int flags) {
    (void)size, (void)flags;
    mallow_free(block);
}

/* Returns a lower bound of the usable size that mallocx(size) gives a block in every mode, or 0 if
 * the request is too large. */
EXPORT size_t nallocx(size_t size, int flags) {
    (void)flags;
    return size <= PTRDIFF_MAX ? size : 0;
}

#endif
