/* realloc, which tries to resize in place, then to move pages, and then to copy; and
 * malloc_usable_size. */
#include <errno.h>
#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "heap/alloc.h"
#include "heap/fast.h"
#include "heap/find.h"
#include "heap/foreign.h"
#include "heap/misuse.h"
#include "heap/mode.h"
#include "mallow.h"
#include "pages/large.h"
#include "pages/mapping.h"

/* Returns true if the block stays where it is. A block that shrinks below half moves, so that its
 * memory can serve other requests. */
static bool realloc_fits(const struct block_ref *block, size_t size) {
    return block->usable != 0 && size_fits(size, block->usable);
}

/* Resizes a run or a mapping without copying. Returns NULL if that is not possible. */
static void *realloc_resize_pages(const struct block_ref *block, size_t size) {
    if (size <= SLOT_MAX || size > PTRDIFF_MAX) return NULL;
    if (block->kind == BLOCK_RUN) return large_resize(block->start, size);
    if (block->kind == BLOCK_MAPPING && size >= racy_load(size_t, &settings.mmap_threshold) / 2)
        return large_resize_mapping(block->start, size);
    return NULL;
}

/* A block that grows once is likely to grow again. Growing by at least a quarter saves most of the
 * copies. */
size_t realloc_room(size_t usable, size_t size) {
    return size > usable && usable <= SLOT_MAX / 2 ? max_size(size, usable + usable / 4) - size : 0;
}

static void *realloc_allocate(size_t size, size_t room) { return mallow_malloc(size + room); }

ALWAYS_INLINE void *realloc_by_copy(const struct block_ref *block, size_t size,
                                    realloc_copy_function *allocate) {
    int before = errno;
    void *p = allocate(size, realloc_room(block->usable, size));
    if (p == NULL) {
        if (size > block->usable) return NULL;
        errno = before; /* the block fits where it is */
        alloc_note_larger();
        return block->start;
    }
    memcpy(p, block->start, min_size(block->usable, size));
    mallow_free(block->start);
    return p;
}

void *realloc_unknown(void *p, size_t size, const void *caller) {
    void *moved = NULL;
    if (!foreign_realloc(p, size, &moved)) misuse_report(MISUSE_REALLOC, p, caller);
    return moved;
}

static void *realloc_resize_block(const struct block_ref *block, size_t size) {
    return realloc_fits(block, size) ? block->start : realloc_resize_pages(block, size);
}

void *realloc_plain_in_place(void *p, size_t size) {
    struct block_ref block = find_block(p);
    return block.kind == BLOCK_NONE ? NULL : realloc_resize_block(&block, size);
}

/* Returns true if another thread frees or resizes the block at the same time, so that its pages may
 * be gone. */
static bool realloc_is_gone(const struct block_ref *block) {
    return block->kind == BLOCK_MAPPING && mapping_usable(block->start) == 0;
}

ALWAYS_INLINE void *realloc_with(void *p, size_t size, const void *caller,
                                 realloc_copy_function *allocate) {
    struct block_ref block = find_block(p);
    if (unlikely(block.kind == BLOCK_NONE)) return realloc_unknown(p, size, caller);
    if (realloc_fits(&block, size)) return block.start;
    void *resized = realloc_resize_pages(&block, size);
    if (resized != NULL) return resized;
    if (unlikely(realloc_is_gone(&block))) return realloc_unknown(p, size, caller);
    return realloc_by_copy(&block, size, allocate);
}

void *realloc_plain(void *p, size_t size, const void *caller) {
    return realloc_with(p, size, caller, realloc_allocate);
}

void *realloc_plain_to(void *p, size_t size, const void *caller, realloc_copy_function *allocate) {
    return realloc_with(p, size, caller, allocate);
}

static NOINLINE void *realloc_new_slow(size_t size, const void *caller) {
    return mode_now()->alloc(&(struct alloc_request){.size = size,
                                                     .align = 1,
                                                     .by_realloc = true,
                                                     .caller = caller,
                                                     .entry = __builtin_frame_address(0)});
}

ALWAYS_INLINE void *realloc_new(size_t size, const void *caller) {
    return mode_sees_all() ? realloc_new_slow(size, caller) : mallow_malloc(size);
}

ALWAYS_INLINE void realloc_free(void *p, const void *caller) {
    if (likely(fast_give(p) == FAST_DONE)) return;
    mode_free_request(p, &(struct free_request){.family = FAMILY_MALLOC, .caller = caller});
}

EXPORT_OWN void *mallow_realloc(void *p, size_t size) {
    if (p == NULL) return realloc_new(size, __builtin_return_address(0));
    if (size == 0) {
        realloc_free(p, __builtin_return_address(0));
        return NULL;
    }
    return mode_now()->resize(p, size, __builtin_return_address(0));
}

EXPORT_OWN size_t mallow_usable_size(const void *p) {
    if (p == NULL) return 0;
    struct block_ref block = find_block((void *)(uintptr_t)p);
    size_t usable = block.usable;
    if (unlikely(block.kind == BLOCK_NONE) && !mode_usable_size(p, &usable) &&
        !foreign_usable_size(p, &usable))
        misuse_report(MISUSE_USABLE_SIZE, p, __builtin_return_address(0));
    return usable;
}

EXPORT_OWN void *mallow_reallocarray(void *p, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    if (p == NULL) return realloc_new(bytes, __builtin_return_address(0));
    if (bytes != 0) return mode_now()->resize(p, bytes, __builtin_return_address(0));
    realloc_free(p, __builtin_return_address(0));
    return NULL;
}
