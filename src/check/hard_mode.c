/* check=hard as a mode: sealed blocks in slots (hard.h). Blocks that are too large for a slot are
 * left to the mode below. */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "check/hard.h"
#include "check/hard_queue.h"
#include "check/hard_verify.h"
#include "check/modes.h"
#include "check/resize.h"
#include "check/sized_free.h"

static void *hard_alloc_request(const struct alloc_request *request) {
    int error_before = errno;
    void *p = request->size > PTRDIFF_MAX ? NULL : hard_alloc(request->size, request->align);
    if (likely(p != NULL)) return p;
    p = mode_below(&hard_mode)->alloc(request);
    if (p != NULL) errno = error_before;
    return p;
}

/* Called in tail position, like mode_malloc, so that the return address is the program's. */
NOINLINE void *hard_malloc_slow(size_t size) {
    const void *caller = __builtin_return_address(0);
    return hard_alloc_request(&(struct alloc_request){.size = size, .align = 1, .caller = caller});
}

static void hard_free_request(void *p, const struct free_request *request) {
    if (request->has_size) sized_free_check_plain(p, request);
    if (!hard_free_checked(p, request)) mode_below(&hard_mode)->free_request(p, request);
}

static void *hard_resize_in_place(void *p, size_t before, size_t size, bool may_move) {
    struct slot_ref ref;
    if (slot_ref_find(p, &ref) && hard_is_known(&ref)) return hard_resize(&ref, size) ? p : NULL;
    return mode_below(&hard_mode)->resize_in_place(p, before, size, may_move);
}

/* Resizes a block in a slot, in place or by copying. Returns NULL if p is no such block or a copy
 * does not fit into a slot. Called only while this is the topmost mode. */
static void *hard_resize_slot(void *p, size_t size) {
    struct slot_ref ref;
    if (!hard_find(p, &ref)) return NULL;
    if (hard_resize(&ref, size)) return p;
    void *moved = hard_alloc(size, 1);
    if (moved == NULL) return NULL;
    memcpy(moved, p, min_size(hard_size(&ref), size));
    hard_free(p);
    return moved;
}

static void *hard_resize_any(void *p, size_t size, const void *caller) {
    int error_before = errno;
    void *resized = hard_resize_slot(p, size);
    errno = error_before;
    return resized != NULL ? resized : resize_checked(p, size, caller);
}

static bool hard_usable_size(const void *p, size_t *usable) {
    struct slot_ref ref;
    if (!hard_find((void *)(uintptr_t)p, &ref)) return false;
    *usable = hard_size(&ref);
    return true;
}

struct mode hard_mode = {
    .malloc = hard_malloc,
    .free = hard_free_any,
    .alloc = hard_alloc_request,
    .free_request = hard_free_request,
    .resize = hard_resize_any,
    .resize_in_place = hard_resize_in_place,
    .usable_size = hard_usable_size,
    .relieve = hard_relieve,
};
