/* Guarded blocks (guard/guard.h) as two modes. One lies below check=full and check=hard and guards
 * each block that is too large for their slots. The other guards the blocks that the counting path
 * chooses (guard=N, counted.c). */
#include <errno.h>
#include <string.h>

#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/block_info.h"
#include "check/full.h"
#include "check/modes.h"
#include "check/resize.h"
#include "check/sized_free.h"
#include "guard/guard.h"
#include "guard/guard_info.h"
#include "guard/guard_range.h"
#include "heap/heap_enter.h"

/* Enters the heap to capture a stack, because the heap keeps the thread's last stacks. */
static stack_id guarded_capture_stack(const void *entry) {
    if (settings.check != CHECK_FULL && settings.guard == 0) return 0;
    struct heap *heap = heap_enter();
    if (heap == NULL) return 0;
    stack_id stack = full_capture_stack(heap, entry);
    heap_leave(heap);
    return stack;
}

#define FILL_MAX (64 * KIB) /* bytes; filling must not touch all pages of a large block */

/* Allocates a guarded block. Returns NULL if that fails. guard_alloc returns zeroed memory. */
static void *guarded_obtain(const struct alloc_request *request) {
    if (request->size > PTRDIFF_MAX) return NULL;
    char *p = guard_alloc(request->size, request->align, request->family,
                          guarded_capture_stack(request->entry));
    if (p == NULL || request->zero || settings.check != CHECK_FULL) return p;
    return memset(p, full_fill_of_fresh(), min_size(request->size, FILL_MAX));
}

static void guarded_release(void *p, const struct free_request *request) {
    struct block_info info;
    if (guard_info_live(p, &info)) sized_free_check(&info, request);
    guard_free(p, guarded_capture_stack(request->entry));
}

/* ---- the modes ---- */

static void *guarded_alloc_in(const struct mode *mode, bool guard,
                              const struct alloc_request *request) {
    int error_before = errno;
    void *p = guard ? guarded_obtain(request) : NULL;
    if (p == NULL) p = mode_below(mode)->alloc(request);
    if (p != NULL) errno = error_before; /* a guard_alloc that failed may have set it */
    return p;
}

static void guarded_free_in(const struct mode *mode, void *p, const struct free_request *request) {
    if (guard_range_contains(p))
        guarded_release(p, request);
    else
        mode_below(mode)->free_request(p, request);
}

static void *guarded_resize_in(const struct mode *mode, void *p, size_t before, size_t size,
                               bool may_move) {
    if (guard_range_contains(p)) return size == before && settings.check != CHECK_FULL ? p : NULL;
    return mode_below(mode)->resize_in_place(p, before, size, may_move);
}

static bool guarded_usable_size(const void *p, size_t *usable) {
    return guard_range_contains(p) && resize_usable_size(p, usable);
}

static void *guarded_large_alloc(const struct alloc_request *request) {
    return guarded_alloc_in(&guarded_large_mode, true, request);
}
static void guarded_large_free(void *p, const struct free_request *request) {
    guarded_free_in(&guarded_large_mode, p, request);
}
static void *guarded_large_resize(void *p, size_t before, size_t size, bool may_move) {
    return guarded_resize_in(&guarded_large_mode, p, before, size, may_move);
}

struct mode guarded_large_mode = {
    .malloc = mode_malloc,
    .free = mode_free,
    .alloc = guarded_large_alloc,
    .free_request = guarded_large_free,
    .resize = resize_checked,
    .resize_in_place = guarded_large_resize,
    .usable_size = guarded_usable_size,
};

static void *guarded_sample_alloc(const struct alloc_request *request) {
    return guarded_alloc_in(&guarded_sample_mode, request->guard, request);
}
static void guarded_sample_free(void *p, const struct free_request *request) {
    guarded_free_in(&guarded_sample_mode, p, request);
}
static void *guarded_sample_resize(void *p, size_t before, size_t size, bool may_move) {
    return guarded_resize_in(&guarded_sample_mode, p, before, size, may_move);
}

struct mode guarded_sample_mode = {
    .malloc = mode_malloc,
    .free = mode_free,
    .alloc = guarded_sample_alloc,
    .free_request = guarded_sample_free,
    .resize = resize_checked,
    .resize_in_place = guarded_sample_resize,
    .usable_size = guarded_usable_size,
};
