#include "trace/traced.h"

#include <errno.h>
#include <string.h>

#include "base/numbers.h"
#include "check/modes.h"
#include "check/sized_free.h"
#include "heap/alloc.h"
#include "heap/fast.h"
#include "heap/find.h"
#include "heap/heap_enter.h"
#include "mallow.h"
#include "trace/trace_record.h"

static const uint8_t traced_new_kinds[] = {
    [FAMILY_MALLOC] = MALLOW_TRACE_MALLOC,
    [FAMILY_NEW] = MALLOW_TRACE_NEW,
    [FAMILY_NEW_ARRAY] = MALLOW_TRACE_NEW_ARRAY,
};

static const uint8_t traced_free_kinds[] = {
    [FAMILY_MALLOC] = MALLOW_TRACE_FREE,
    [FAMILY_NEW] = MALLOW_TRACE_DELETE,
    [FAMILY_NEW_ARRAY] = MALLOW_TRACE_DELETE_ARRAY,
};

static unsigned traced_kind(const struct alloc_request *request) {
    if (request->family != FAMILY_MALLOC) return traced_new_kinds[request->family];
    if (request->zero) return MALLOW_TRACE_CALLOC;
    if (request->by_realloc) return MALLOW_TRACE_REALLOC;
    return request->align > 1 ? MALLOW_TRACE_MEMALIGN : MALLOW_TRACE_MALLOC;
}

static void traced_allocated(const void *p, const struct alloc_request *request) {
    size_t size = request->has_logged ? request->logged : request->size;
    trace_allocated(traced_kind(request), p, NULL, size, request->align, request->entry);
}

static void traced_freeing(void *p, const struct free_request *request) {
    trace_freeing(traced_free_kinds[request->family], p, request->entry);
}

/* ---- the mode ---- */

static NOINLINE void *traced_malloc_slowly(size_t size, const void *entry) {
    bool zeroed;
    trace_follow(false); /* a signal handler may have jumped out of a free */
    void *p = alloc_plain(size, 1, &zeroed);
    trace_allocated(MALLOW_TRACE_MALLOC, p, NULL, size, 1, entry);
    return p;
}

static void *traced_malloc(size_t size, const struct magazine_entry *sentinel) {
    void *p = fast_take(sentinel_magazine(sentinel));
    if (unlikely(p == NULL)) return traced_malloc_slowly(size, __builtin_frame_address(0));
    trace_allocated(MALLOW_TRACE_MALLOC, p, NULL, size, 1, __builtin_frame_address(0));
    return p;
}

static void *traced_alloc(const struct alloc_request *request) {
    void *p = plain_mode.alloc(request);
    traced_allocated(p, request);
    return p;
}

/* A thread that only uses the same few slots enters no slow path, and its malloc would find slots
 * without this mode. */
ALWAYS_INLINE void traced_follow(void) {
    if (unlikely(self_heap->cached == self_heap->magazine)) heap_follow_settings();
}

static NOINLINE void traced_free_slowly(void *p, const void *caller) {
    trace_follow(true);
    free_plain(p, caller);
    trace_follow(false);
}

static void traced_free(void *p, enum family family) {
    if (p == NULL) return;
    trace_freeing(traced_free_kinds[family], p, __builtin_frame_address(0));
    traced_follow();
    if (unlikely(fast_give_seen(p) != FAST_DONE))
        traced_free_slowly(p, __builtin_return_address(0));
}

static void traced_free_request(void *p, const struct free_request *request) {
    traced_freeing(p, request);
    traced_follow();
    if (request->has_size) sized_free_check_plain(p, request);
    if (fast_give_seen(p) != FAST_DONE) traced_free_slowly(p, request->caller);
}

/* Allocates what a block is copied to. */
static void *traced_alloc_copy(size_t size) {
    bool zeroed;
    void *p = size <= SLOT_MAX ? fast_take(sentinel_magazine(fast_magazine_any(size)->top)) : NULL;
    return p != NULL ? p : alloc_plain(size, 1, &zeroed);
}

/* The call is one event, which is recorded before the old block is free. */
static void *traced_resize_by_copy(const struct block_ref *block, size_t size, const void *entry) {
    int before = errno;
    void *old = block->start, *p = traced_alloc_copy(size + realloc_room(block->usable, size));
    if (p != NULL) memcpy(p, old, min_size(block->usable, size));
    if (p == NULL && size <= block->usable) {
        errno = before; /* the block fits where it is */
        alloc_note_larger();
        p = old;
    }
    trace_allocated(MALLOW_TRACE_REALLOC, p, old, size, 1, entry);
    if (p != NULL && p != old && fast_give_seen(old) != FAST_DONE)
        traced_free_slowly(old, __builtin_return_address(0));
    return p;
}

static void *traced_resize(void *p, size_t size, const void *caller) {
    struct block_ref block = find_block(p);
    if (block.kind == BLOCK_NONE) return realloc_unknown(p, size, caller);
    if (size > PTRDIFF_MAX) {
        trace_allocated(MALLOW_TRACE_REALLOC, NULL, p, size, 1, __builtin_frame_address(0));
        return realloc_plain(p, size, caller);
    }
    void *resized = realloc_plain_in_place(p, size);
    if (resized == NULL) return traced_resize_by_copy(&block, size, __builtin_frame_address(0));
    trace_allocated(MALLOW_TRACE_REALLOC, resized, p, size, 1, __builtin_frame_address(0));
    return resized;
}

static void *traced_resize_in_place(void *p, size_t before, size_t size, bool may_move) {
    return plain_mode.resize_in_place(p, before, size, may_move);
}

struct mode traced_mode = {
    .malloc = traced_malloc,
    .free = traced_free,
    .alloc = traced_alloc,
    .free_request = traced_free_request,
    .resize = traced_resize,
    .resize_in_place = traced_resize_in_place,
};

/* ---- the observer ---- */

static void traced_resized(const struct resize_event *event) {
    trace_allocated(MALLOW_TRACE_REALLOC, event->p, event->old, event->size, 1, NULL);
}

const struct observer traced_observer = {
    .allocated = traced_allocated,
    .freeing = traced_freeing,
    .resized = traced_resized,
    .needs_old_address = true,
};
