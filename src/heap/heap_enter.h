/* A thread enters its heap to run a slow path, or another heap to do the work of its owner. */
#ifndef MALLOW_HEAP_ENTER_H
#define MALLOW_HEAP_ENTER_H

#include <stdbool.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/heap.h"
#include "os/frame_mark.h"

/*
 * heap_enter begins a slow path and heap_leave ends it. In between, the heap's lists may be
 * inconsistent. A signal handler that interrupts the slow path and allocates must not use them, and
 * one that jumps away must not leave them inconsistent. So when a thread finds its heap busy:
 *
 *   - If the interrupted slow path may still continue, because the handler may return, the thread
 *     works with another heap, a stand-in.
 *   - If the frame of the slow path is gone, the heap is repaired from the state bytes.
 *
 * heap_enter returns NULL if it can get no heap. The mark (os/frame_mark.h) lies in the caller's
 * frame.
 */
#define heap_enter() heap_enter_marked(&(struct frame_mark){{0}})
struct heap *heap_enter_marked(struct frame_mark *mark);
void heap_leave(struct heap *heap);

/* Makes `heap`, which is idle, the thread's heap again, and releases the stand-ins of handlers that
 * have returned. */
void heap_go_back(struct heap *heap);

/*
 * A short operation on the thread's own heap. It skips what heap_enter does for visitors and for
 * changed settings, so it must not touch the heap's slabs or lists:
 *
 *     struct heap *heap = self_heap;
 *     struct frame_mark mark;
 *     if (!heap_is_idle(heap)) ...heap_enter instead...
 *     heap_begin_short(heap, &mark);
 *     ...
 *     heap_end_short(heap, &mark);
 *
 * It works on `heap` even if a handler installs a stand-in and so changes self_heap. A stand-in
 * does not count as idle: a handler could release it just before it is marked, and another thread
 * could take it.
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

/* Like heap_end_short, but returns false if the caller must then call heap_go_back, so that it can
 * do this in tail position and needs no frame. */
ALWAYS_INLINE bool heap_end_short_only(struct heap *heap, struct frame_mark *mark) {
    MALLOW_ASSERT(heap->busy == (uintptr_t)mark);
    signal_order();
    racy_store(&heap->busy, 0);
    frame_mark_clear(mark);
    sanitizer_release(heap);
    signal_order();
    return likely(self_heap == heap);
}

/* Looks for a stand-in only after the heap is idle. If it looked earlier, the next handler could
 * install another one, which would outlive the operation. */
ALWAYS_INLINE void heap_end_short(struct heap *heap, struct frame_mark *mark) {
    if (unlikely(!heap_end_short_only(heap, mark))) heap_go_back(heap);
}

/* Makes the calling thread's magazines follow the current settings. Those of other threads follow
 * them from their next slow path on. */
void heap_follow_settings(void);

/* Begins work on any heap, until heap_end: the caller becomes the owner of a heap without a thread,
 * or enters its own. Returns false if the heap belongs to another thread, or if it is the caller's
 * own and busy. */
#define heap_begin(heap) heap_begin_marked(heap, &(struct frame_mark){{0}})
bool heap_begin_marked(struct heap *heap, struct frame_mark *mark);
void heap_end(struct heap *heap);

/* In the child of a fork: releases all heaps except the calling thread's and those for which it
 * stands in. */
void heap_after_fork(void);

#endif
