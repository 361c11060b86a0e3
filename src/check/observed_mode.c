/* The topmost mode while there are observers. It calls them, and the mode below serves the call. */
#include "check/modes.h"
#include "check/observed.h"
#include "check/resize.h"

static void *observed_alloc(const struct alloc_request *request) {
    observe_before();
    void *p = mode_below(&observed_mode)->alloc(request);
    observe_allocated(p, request);
    return p;
}

static void observed_free_request(void *p, const struct free_request *request) {
    observe_before();
    observe_freeing(p, request);
    mode_below(&observed_mode)->free_request(p, request);
}

static void *observed_resize_in_place(void *p, size_t before, size_t size, bool may_move) {
    return mode_below(&observed_mode)->resize_in_place(p, before, size, may_move);
}

struct mode observed_mode = {
    .malloc = mode_malloc,
    .free = mode_free,
    .alloc = observed_alloc,
    .free_request = observed_free_request,
    .resize = resize_checked,
    .resize_in_place = observed_resize_in_place,
};
