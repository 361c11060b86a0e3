/* check=full as a mode: blocks in slots, between redzones (full.h). Blocks that are too large for a
 * slot are left to the mode below. */
#include <errno.h>

#include "base/compiler.h"
#include "base/settings.h"
#include "check/full.h"
#include "check/modes.h"
#include "check/resize.h"
#include "heap/decay.h"
#include "heap/heap_enter.h"

static void *full_alloc_slot(const struct alloc_request *request) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return NULL;
    void *p = full_alloc(heap, request, full_capture_stack(heap, request->entry));
    decay_turn(heap);
    heap_leave(heap);
    return p;
}

static void *full_alloc_request(const struct alloc_request *request) {
    int error_before = errno;
    void *p = full_alloc_slot(request);
    if (likely(p != NULL)) return p;
    p = mode_below(&full_mode)->alloc(request);
    if (p != NULL) errno = error_before;
    return p;
}

static void full_free_slot(const struct slot_ref *ref, void *p,
                           const struct free_request *request) {
    /* Memory that is needed soon is fetched while the stack is captured. */
    __builtin_prefetch(record_of(ref), 1);
    __builtin_prefetch(ref->start, 1);
    __builtin_prefetch(ref->start + ref->bytes - 1, 1);
    struct heap *heap = heap_enter();
    stack_id stack = heap == NULL ? 0 : full_capture_stack(heap, request->entry);
    full_free(heap, ref, p, request, stack);
    if (heap == NULL) return;
    decay_turn(heap);
    heap_leave(heap);
}

static void full_free_request(void *p, const struct free_request *request) {
    struct slot_ref ref;
    if (slot_ref_find(p, &ref) && full_is_known(&ref))
        full_free_slot(&ref, p, request);
    else
        mode_below(&full_mode)->free_request(p, request);
}

/* Blocks always move, so that a use of the old address is found. */
static void *full_resize_in_place(void *p, size_t before, size_t size, bool may_move) {
    (void)p, (void)before, (void)size, (void)may_move;
    return NULL;
}

static bool full_usable_size(const void *p, size_t *usable) {
    struct slot_ref ref;
    return slot_ref_find(p, &ref) && slot_state_get(ref.state) == SLOT_CHECKED &&
           resize_usable_size(p, usable);
}

struct mode full_mode = {
    .malloc = mode_malloc,
    .free = mode_free,
    .alloc = full_alloc_request,
    .free_request = full_free_request,
    .resize = resize_checked,
    .resize_in_place = full_resize_in_place,
    .usable_size = full_usable_size,
    .relieve = full_relieve,
};
