#include "trace/trace_record.h"

#include <stddef.h>

static void trace_put_stack(struct trace_thread *thread, uint32_t stack) {
    if (stack != 0) trace_put(thread, stack);
}

/* The stack comes first, because its nodes are records of their own. */
NOINLINE APART void trace_allocated_with_stack(unsigned kind, const void *p, const void *old,
                                               size_t size, size_t align, const void *entry) {
    struct frame_mark mark;
    struct trace_thread *thread = trace_begin(&mark);
    if (thread == NULL) return;
    uint32_t stack = trace_stack(thread, entry);
    if (trace_reserve(thread)) {
        uint64_t head = trace_record_head(thread, kind, trace_log2(align), stack != 0);
        trace_put_allocation(thread, head, p, old, size);
        trace_put_stack(thread, stack);
    }
    trace_end(thread, &mark);
}

NOINLINE APART void trace_freeing_with_stack(unsigned kind, const void *p, const void *entry) {
    struct frame_mark mark;
    struct trace_thread *thread = trace_begin(&mark);
    if (thread == NULL) return;
    uint32_t stack = trace_stack(thread, entry);
    if (trace_reserve(thread)) {
        trace_put(thread, trace_record_head(thread, kind, 0, stack != 0));
        trace_put(thread, (uint64_t)(uintptr_t)p << 16);
        trace_put_stack(thread, stack);
    }
    trace_end(thread, &mark);
}

NOINLINE APART void trace_resizing(const void *p) {
    struct frame_mark mark;
    if (!atomic_load_explicit(&trace_state.exact, memory_order_relaxed)) return;
    struct trace_thread *thread = trace_begin(&mark);
    if (thread == NULL) return;
    if (trace_reserve(thread)) {
        trace_put(thread, trace_record_head(thread, TRACE_RESIZING, 0, false));
        trace_put(thread, (uintptr_t)p);
    }
    trace_end(thread, &mark);
}

/* The capture of a stack maps memory. That system call is an event too, which interrupts a record
 * and has no stack. */
NOINLINE APART void trace_event(const struct mallow_trace_event *event, bool caused,
                                const void *entry) {
    struct frame_mark mark;
    bool nested = trace_self != NULL && trace_self->busy != 0;
    struct trace_thread *thread = trace_begin(&mark);
    if (thread == NULL) return;
    uint32_t stack = trace_state.frames != 0 && !nested ? trace_stack(thread, entry) : 0;
    if (trace_reserve(thread)) {
        unsigned detail = caused ? TRACE_CAUSED | (thread->frees ? TRACE_FOLLOWS : 0) : 0;
        thread->uses_of_time = 0;
        trace_put(thread, trace_record_head(thread, event->kind, detail, false));
        trace_put(thread, event->address);
        trace_put(thread, event->old_address);
        trace_put(thread, event->size);
        trace_put(thread, event->count);
        trace_put(thread, event->protection | (uint64_t)event->flags << 32);
        trace_put(thread, event->error);
        trace_put(thread, stack);
    }
    trace_end(thread, &mark);
}
