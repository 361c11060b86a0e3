/*
 * Writes the records of the calling thread.
 *
 *     struct frame_mark mark;
 *     struct trace_thread *thread = trace_begin(&mark);
 *     if (thread != NULL && trace_reserve(thread)) {
 *         trace_put(...)...
 *     }
 *     trace_end(thread, &mark);
 *
 * A signal handler that interrupts this and records uses another ring (trace_begin). If it jumps
 * away, the record was not published, and the next one takes its place.
 */
#ifndef MALLOW_TRACE_RECORD_H
#define MALLOW_TRACE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "mallow/trace.h"
#include "os/frame_mark.h"
#include "os/os_process.h"
#include "trace/trace_clock.h"
#include "trace/trace_layout.h"
#include "trace/trace_state.h"

struct stack_cache;

/* A thread's ring as the thread sees it. */
struct trace_thread {
    struct trace_ring *ring;
    uint64_t *words;
    uint64_t tail;
    uint64_t limit; /* up to which it can write without looking at the ring's head */
    uint64_t time;  /* that it last read, shifted */
    uint32_t session;
    uint32_t uses_of_time;      /* before it is read again */
    bool frees;                 /* it is in a call whose event is recorded already */
    volatile uintptr_t busy;    /* the mark of the function that writes a record; 0: none */
    uint64_t dropped;           /* events since the last record */
    struct trace_thread *inner; /* for handlers that interrupt this one; NULL: none yet */
    struct stack_cache *stacks;
};

extern __thread struct trace_thread *trace_self __attribute__((tls_model("initial-exec")));

/* A time serves this many records as long as only one thread records. Reading it costs as much as
 * the rest of a record. */
#define TRACE_USES_OF_TIME 16

struct trace_thread *trace_begin_slowly(struct frame_mark *mark);
bool trace_reserve_slowly(struct trace_thread *thread);

/* Returns the thread, or NULL if nothing is recorded. */
ALWAYS_INLINE struct trace_thread *trace_begin(struct frame_mark *mark) {
    struct trace_thread *thread = trace_self;
    if (unlikely(thread == NULL) || unlikely(thread->session != trace_session()) ||
        unlikely(thread->busy != 0))
        return trace_begin_slowly(mark);
    frame_mark_set(mark, (uintptr_t)mark);
    thread->busy = (uintptr_t)mark;
    signal_order();
    return thread;
}

/* Makes room for one record. Returns false if the event cannot be recorded, and counts it. */
ALWAYS_INLINE bool trace_reserve(struct trace_thread *thread) {
    return likely(thread->limit - thread->tail >= TRACE_RECORD_WORDS) ||
           trace_reserve_slowly(thread);
}

ALWAYS_INLINE void trace_put(struct trace_thread *thread, uint64_t word) {
    thread->words[thread->tail++ % TRACE_RING_WORDS] = word;
}

/* Makes the records visible to the command. */
ALWAYS_INLINE void trace_publish(struct trace_thread *thread) {
    atomic_store_explicit(&thread->ring->tail, thread->tail, memory_order_release);
}

ALWAYS_INLINE void trace_end(struct trace_thread *thread, struct frame_mark *mark) {
    if (unlikely(thread == NULL)) return;
    trace_publish(thread);
    signal_order();
    thread->busy = 0;
    frame_mark_clear(mark);
}

ALWAYS_INLINE uint64_t trace_read_time(void) {
    uint64_t ticks = likely(trace_state.area->ticks == TRACE_COUNTER) ? trace_counter()
                                                                      : (uint64_t)os_exact_ns();
    return ticks << TRACE_TIME_SHIFT;
}

/* Returns the time, shifted. */
ALWAYS_INLINE uint64_t trace_time(struct trace_thread *thread) {
    if (atomic_load_explicit(&trace_state.exact, memory_order_relaxed) ||
        unlikely(thread->uses_of_time == 0)) {
        thread->uses_of_time = TRACE_USES_OF_TIME;
        thread->time = trace_read_time();
    }
    thread->uses_of_time--;
    return thread->time;
}

ALWAYS_INLINE uint64_t trace_record_head(struct trace_thread *thread, unsigned kind,
                                         unsigned detail, bool has_stack) {
    return trace_time(thread) | (uint64_t)detail << TRACE_DETAIL_SHIFT |
           (has_stack ? TRACE_HAS_STACK : 0) | kind;
}

/* ---- stacks ---- */

/* Captures the stack, and records those of its nodes that the command does not know. Returns its
 * node, or 0. `entry` is as for stack_capture_from. */
uint32_t trace_stack(struct trace_thread *thread, const void *entry);

/* Forgets which nodes the command knows. */
void trace_stack_forget(void);

/* ---- events ---- */

/* Record an allocation or a free. `old` is only for MALLOW_TRACE_REALLOC. */
NOINLINE void trace_allocated_with_stack(unsigned kind, const void *p, const void *old, size_t size,
                                         size_t align, const void *entry);
NOINLINE void trace_freeing_with_stack(unsigned kind, const void *p, const void *entry);

ALWAYS_INLINE unsigned trace_log2(size_t align) {
    return align <= 1 ? 0 : (unsigned)__builtin_ctzll(align);
}

ALWAYS_INLINE void trace_put_allocation(struct trace_thread *thread, uint64_t head, const void *p,
                                        const void *old, size_t size) {
    unsigned kind = (unsigned)head & TRACE_KIND;
    bool apart = unlikely(size >= TRACE_SIZE_APART);
    trace_put(thread, head);
    trace_put(thread, (uint64_t)(uintptr_t)p << 16 | (apart ? TRACE_SIZE_APART : size));
    if (kind == MALLOW_TRACE_REALLOC) trace_put(thread, (uintptr_t)old);
    if (apart) trace_put(thread, size);
}

ALWAYS_INLINE void trace_allocated(unsigned kind, const void *p, const void *old, size_t size,
                                   size_t align, const void *entry) {
    struct frame_mark mark;
    if (unlikely(trace_state.frames != 0)) {
        trace_allocated_with_stack(kind, p, old, size, align, entry);
        return;
    }
    struct trace_thread *thread = trace_begin(&mark);
    if (unlikely(thread == NULL)) return;
    if (trace_reserve(thread))
        trace_put_allocation(thread, trace_record_head(thread, kind, trace_log2(align), false), p,
                             old, size);
    trace_end(thread, &mark);
}

ALWAYS_INLINE void trace_freeing(unsigned kind, const void *p, const void *entry) {
    struct frame_mark mark;
    if (unlikely(trace_state.frames != 0)) {
        trace_freeing_with_stack(kind, p, entry);
        return;
    }
    struct trace_thread *thread = trace_begin(&mark);
    if (unlikely(thread == NULL)) return;
    if (trace_reserve(thread)) {
        trace_put(thread, trace_record_head(thread, kind, 0, false));
        trace_put(thread, (uint64_t)(uintptr_t)p << 16);
    }
    trace_end(thread, &mark);
}

/* Records that another allocator is about to resize a block. Needed if several threads record. */
void trace_resizing(const void *p);

/* The calling thread goes on with a call whose event is recorded already, or is done with it. */
ALWAYS_INLINE void trace_follow(bool goes_on) {
    if (trace_self != NULL) trace_self->frees = goes_on;
}

/* Records another event: its address, old_address, size, count, protection, flags, error and kind.
 * `caused`: the allocator makes the system call. */
void trace_event(const struct mallow_trace_event *event, bool caused, const void *entry);

#endif
