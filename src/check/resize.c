#include "check/resize.h"

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/block_info.h"
#include "check/modes.h"
#include "check/observed.h"
#include "heap/alloc.h"
#include "mallow.h"

bool resize_usable_size(const void *p, size_t *usable) {
    struct block_info info;
    if (!block_info_of(p, &info) || info.life != LIFE_LIVE || info.start != p) return false;
    *usable = info.size;
    return true;
}

/* Returns the mode below the observers, which see a resize but not the calls that it consists
 * of. */
static const struct mode *resize_unobserved_mode(void) {
    const struct mode *mode = mode_now();
    return mode == &observed_mode ? mode_below(mode) : mode;
}

static void *resize_checked_in_place(void *p, size_t before, size_t size, const void *caller) {
    bool may_move = !observers_need_old_address();
    char *resized = resize_unobserved_mode()->resize_in_place(p, before, size, may_move);
    if (resized == NULL) return NULL;
    size_t after = mallow_usable_size(resized);
    if ((settings.modes & MODE_FILL) != 0 && after > before)
        memset(resized + before, settings.perturb ^ 0xff, after - before);
    observe_resized(&(struct resize_event){
        .old = p, .before = before, .p = resized, .size = size, .caller = caller});
    return resized;
}

static void *resize_checked_by_copy(void *p, size_t before, const struct alloc_request *request) {
    const struct mode *mode = resize_unobserved_mode();
    void *copy = mode->alloc(request);
    if (copy == NULL) return NULL;
    memcpy(copy, p, min_size(before, request->size));
    observe_resized(&(struct resize_event){.old = p,
                                           .before = before,
                                           .p = copy,
                                           .size = request->size,
                                           .is_copy = true,
                                           .caller = request->caller});
    mode->free_request(p, &(struct free_request){.family = FAMILY_MALLOC,
                                                 .caller = request->caller,
                                                 .entry = request->entry});
    return copy;
}

/* Called if there is no memory for a copy. Keeps the block where it is, or returns NULL if it is
 * too small. */
static void *resize_checked_keep(void *p, size_t before, size_t size, const void *caller) {
    observe_resized(
        &(struct resize_event){.old = p, .before = before, .size = size, .caller = caller});
    if (size > before) return NULL;
    alloc_note_larger();
    return p;
}

void *resize_checked(void *p, size_t size, const void *caller) {
    struct alloc_request request = {
        .size = size, .align = 1, .caller = caller, .entry = __builtin_frame_address(0)};
    size_t before;
    int error_before = errno;
    observe_before();
    if (!resize_usable_size(p, &before)) return realloc_unknown(p, size, caller);
    void *resized = resize_checked_in_place(p, before, size, caller);
    if (resized == NULL) resized = resize_checked_by_copy(p, before, &request);
    if (resized == NULL) resized = resize_checked_keep(p, before, size, caller);
    if (resized != NULL) errno = error_before;
    return resized;
}
