#include "trace/trace_resize.h"

#include <stddef.h>

static struct trace_resize *trace_resize_of(struct trace_resizes *all, uint32_t thread) {
    for (uint32_t i = 0; i < all->count; i++)
        if (all->list[i].thread == thread) return &all->list[i];
    return NULL;
}

void trace_resize_begin(struct trace_resizes *all, uint32_t process, uint32_t thread,
                        uint64_t address) {
    struct trace_resize *resize = trace_resize_of(all, thread);
    if (resize == NULL && all->count == TRACE_RINGS) return;
    if (resize == NULL) resize = &all->list[all->count++];
    *resize = (struct trace_resize){process, thread, address};
}

uint64_t trace_resize_end(struct trace_resizes *all, uint32_t thread, uint64_t address) {
    struct trace_resize *resize = trace_resize_of(all, thread);
    if (resize == NULL) return address;
    uint64_t left = resize->address;
    *resize = all->list[--all->count];
    return left == 0 ? 0 : address;
}

uint32_t trace_resize_takes(struct trace_resizes *all, uint32_t process, uint64_t address) {
    for (uint32_t i = 0; i < all->count; i++) {
        struct trace_resize *resize = &all->list[i];
        if (resize->process != process || resize->address != address) continue;
        resize->address = 0;
        return resize->thread;
    }
    return 0;
}
