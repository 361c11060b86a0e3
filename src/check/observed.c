#include "check/observed.h"

#include "base/atomics.h"
#include "base/compiler.h"

const struct observer *observers[OBSERVERS_MAX + 1];

static const struct observer *observer_at(unsigned i) {
    return racy_load(const struct observer *, &observers[i]);
}

void observe_before(void) {
    const struct observer *observer;
    for (unsigned i = 0; (observer = observer_at(i)) != NULL; i++)
        if (observer->before != NULL) observer->before();
}

void observe_allocated(const void *p, const struct alloc_request *request) {
    const struct observer *observer;
    for (unsigned i = 0; (observer = observer_at(i)) != NULL; i++)
        if (observer->allocated != NULL) observer->allocated(p, request);
}

void observe_freeing(void *p, const struct free_request *request) {
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
