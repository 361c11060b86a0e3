/* realloc, in place or by moving pages before copying; and what a block's size is. */
#include <errno.h>
#include <string.h>

#include "alloc.h"
#include "find.h"
#include "foreign.h"
#include "large.h"
#include "mallow.h"
#include "mapping.h"
#include "mtrace.h"
#include "report.h"
#include "settings.h"
#include "stats.h"

/* Shrinking below half moves the block, so that the memory can serve others. */
static bool fits(const struct found *block, size_t size) {
    if (block->usable == 0) return false;
    return size <= block->usable && (size > block->usable / 2 || block->usable <= 2 * UNIT);
}

/* Resizes without copying; NULL when that is not possible. */
static void *resize_pages(const struct found *block, size_t size) {
    if (size <= SLOT_MAX || size > PTRDIFF_MAX) return NULL;
    if (block->kind == BLOCK_RUN) return large_resize(block->start, size);
    if (block->kind == BLOCK_MAPPING && size >= racy_load(size_t, &settings.mmap_threshold) / 2)
        return mapping_resize(block->start, size);
    return NULL;
}

static void perturb_growth(char *p, size_t before) {
    size_t usable = mallow_usable_size(p);
    if (usable > before) memset(p + before, settings.perturb ^ 0xff, usable - before);
}

/* What grows once grows again: a quarter more than before, at least, saves most of the copies. */
static size_t grown(size_t usable, size_t size) {
    return size > usable && usable <= SLOT_MAX / 2 ? max_size(size, usable + usable / 4) : size;
}

static void *resize_by_copy(const struct found *block, size_t size) {
    int before = errno;
    void *p = mallow_malloc(grown(block->usable, size));
    if (p == NULL) {
        if (size > block->usable) return NULL;
        errno = before; /* it fits where it is */
        return block->start;
    }
    memcpy(p, block->start, min_size(block->usable, size));
    mallow_free(block->start);
    return p;
}

static NOINLINE void *resize(void *p, size_t size, const void *caller) {
    struct found block = find_block(p);
    if (unlikely(block.kind == BLOCK_NONE)) {
        void *moved = NULL;
        if (!foreign_realloc(p, size, &moved)) report_misuse(MISUSE_REALLOC, p, caller);
        return moved;
    }
    if (fits(&block, size)) return p;
    void *resized = resize_pages(&block, size);
    if (resized == NULL) return resize_by_copy(&block, size);
    if (unlikely(settings.perturb != 0)) perturb_growth(resized, block.usable);
    if (settings.count_calls) stats_count_resize(block.usable, mallow_usable_size(resized));
    return resized;
}

/* Moves by a copy, so that the log has the move before the old place serves others. */
static void *resize_traced(void *old, size_t size, const void *caller) {
    struct found block = find_block(old);
    if (block.kind == BLOCK_NONE) return resize(old, size, caller);
    void *p = fits(&block, size) ? old : alloc_untraced(size);
    mtrace_realloc(old, p, size, caller);
    if (p == NULL || p == old) return p;
    memcpy(p, old, min_size(block.usable, size));
    free_untraced(old);
    return p;
}

static NOINLINE void *realloc_traced(void *old, size_t size, const void *caller) {
    if (old != NULL && size == 0) {
        mtrace_free(old, caller);
        free_untraced(old);
        return NULL;
    }
    if (old != NULL) return resize_traced(old, size, caller);
    void *p = alloc_untraced(size);
    mtrace_realloc(NULL, p, size, caller);
    return p;
}

EXPORT_OWN void *mallow_realloc(void *p, size_t size) {
    if (unlikely(settings.trace)) return realloc_traced(p, size, __builtin_return_address(0));
    if (p == NULL) return mallow_malloc(size);
    if (size == 0) {
        mallow_free(p);
        return NULL;
    }
    return resize(p, size, __builtin_return_address(0));
}

EXPORT_OWN size_t mallow_usable_size(const void *p) {
    if (p == NULL) return 0;
    struct found block = find_block((void *)(uintptr_t)p);
    size_t usable = block.usable;
    if (unlikely(block.kind == BLOCK_NONE) && !foreign_usable_size(p, &usable))
        report_misuse(MISUSE_USABLE_SIZE, p, __builtin_return_address(0));
    return usable;
}

EXPORT_OWN void *mallow_reallocarray(void *p, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    if (unlikely(settings.trace)) return realloc_traced(p, bytes, __builtin_return_address(0));
    if (p == NULL) return mallow_malloc(bytes);
    if (bytes != 0) return resize(p, bytes, __builtin_return_address(0));
    mallow_free(p);
    return NULL;
}
