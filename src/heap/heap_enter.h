/* Entering and leaving a heap: its own thread in a slow path, and threads that look after others.
 */
#ifndef MALLOW_HEAP_ENTER_H
#define MALLOW_HEAP_ENTER_H

#include <stdbool.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/heap.h"
#include "os/frame_mark.h"

/*
 * Entering and leaving a slow path. Between the two the heap's lists may be in motion; a signal
 * handler that allocates then must not see them, and one that jumps away must not leave them so:
 * an interrupted heap is either still needed (the handler may return), then the thread goes on
 * with another heap, or its slow path's frame is gone, then it is repaired from the state bytes.
 * heap_enter returns NULL when there is no memory for a heap. The mark is in the caller's frame.
 */
#define heap_enter() heap_enter_marked(&(struct frame_mark){{0}})
struct heap *heap_enter_marked(struct frame_mark *mark);
void heap_leave(struct heap *heap);

/* Makes `heap`, which is idle, the thread's heap again, and releases the stand-ins of a handler
 * that has returned. */
void heap_go_back(struct heap *heap);

/*
 * A short operation on the thread's own heap, without what heap_enter does for visitors and
 * settings:
 *
 *     struct heap *heap = self_heap;
 *     struct frame_mark mark;
 *     if (!heap_is_idle(heap)) ...heap_enter instead...
 *     heap_begin_short(heap, &mark);
 *     ...
 *     heap_end_short(heap, &mark);
 *
 * It works on `heap`, whatever self_heap is by then: a handler may have put a stand-in there.
 * Stand-ins are not idle. A handler may release one just before it would be marked, and another
 * thread take it.
 */
ALWAYS_INLINE bool heap_is_idle(const struct heap *heap) {
    return likely(heap->busy == 0) && likely(heap->outer == NULL);
}

ALWAYS_INLINE void heap_begin_short(struct heap *heap, struct frame_mark *mark) {
    MALLOW_ASSERT(heap->busy == 0);
    frame_mark_set(mark, (uintptr_t)mark);
    racy_store(&heap->busy, (uintptr_t)mark);
    signal_order();
}

/* Looks for a stand-in only once the heap is idle: until then the next handler would install
 * another, which would outlive the operation. */
ALWAYS_INLINE void heap_end_short(struct heap *heap, struct frame_mark *mark) {
    MALLOW_ASSERT(heap->busy == (uintptr_t)mark);
    signal_order();
    racy_store(&heap->busy, 0);
    frame_mark_clear(mark);
    sanitizer_release(heap);
    signal_order();
    if (unlikely(self_heap != heap)) heap_go_back(heap);
}

/* The calling thread's magazines hold from now on what the settings allow; those of other threads
 * do so from their next slow path on. */
void heap_follow_settings(void);

/* The caller becomes the owner of a heap without a thread until the end, or enters its own; false
 * when the heap is another thread's, or the caller's own and at work. */
#define heap_begin(heap) heap_begin_marked(heap, &(struct frame_mark){{0}})
bool heap_begin_marked(struct heap *heap, struct frame_mark *mark);
void heap_end(struct heap *heap);

/* In the child of a fork: only the calling thread's heap has an owner. */
void heap_after_fork(void);

#endif
