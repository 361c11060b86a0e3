#include "check/observed.h"

#include "base/atomics.h"
#include "base/compiler.h"
#include "check/modes.h"
#include "check/resize.h"

const struct observer *observers[OBSERVERS_MAX + 1];

static const struct observer *observer_at(unsigned i) {
    return racy_load(const struct observer *, &observers[i]);
}

void observe_before(void) {
    const struct observer *observer;
    for (unsigned i = 0; (observer = observer_at(i)) != NULL; i++)
        if (observer->before != NULL) observer->before();
}

static void observe_allocated(const void *p, const struct alloc_request *request) {
    const struct observer *observer;
    for (unsigned i = 0; (observer = observer_at(i)) != NULL; i++)
        if (observer->allocated != NULL) observer->allocated(p, request);
}

static void observe_freeing(void *p, const struct free_request *request) {
    const struct observer *observer;
    for (unsigned i = 0; (observer = observer_at(i)) != NULL; i++)
        if (observer->freeing != NULL) observer->freeing(p, request);
}

void observe_resized(const struct resize_event *event) {
    const struct observer *observer;
    for (unsigned i = 0; (observer = observer_at(i)) != NULL; i++)
        if (observer->resized != NULL) observer->resized(event);
}

bool observers_need_old_address(void) {
    const struct observer *observer;
    for (unsigned i = 0; (observer = observer_at(i)) != NULL; i++)
        if (observer->needs_old_address) return true;
    return false;
}

/* ---- the mode ---- */

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
    .resize = checked_resize,
    .resize_in_place = observed_resize_in_place,
};
