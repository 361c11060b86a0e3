/* A heap is at work for one thread at a time: its own, or a visitor. */
#ifndef MALLOW_HEAP_VISIT_H
#define MALLOW_HEAP_VISIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/heap.h"
#include "os/frame_mark.h"
#include "os/open_lock.h"
#include "os/owner.h"

/*
 * A visit to a heap whose thread lives, but is not in one of its slow paths: until the visitor has
 * gone the thread waits at the door of the next one, and the visitor may do to the heap's slabs
 * what its owner could, but not to its magazines, for the fast paths go on. A slab must not retire
 * either: its thread may be about to free one of its slots a second time, and read the states.
 * False: not now. When a signal handler jumps out of a visit, the thread repairs the heap.
 */
bool heap_visit_begin(struct heap *heap, struct lock_hold *hold);
void heap_visit_end(struct heap *heap, struct lock_hold *hold);

/*
 * The other side: a thread that enters a slow path of its heap, or seizes a heap, marks it busy.
 *
 *     visitor                           the heap's thread, or a thread that seizes the heap
 *     -------                           ---------------------------------------------------
 *     takes the lock                    busy := mark
 *     if busy != 0                      if the lock is taken
 *         drops it                          waits until it is not
 *
 * Each side stores its own word before it loads the other's, in one order that all threads agree
 * on: so at least one of the two sees the other. The owner's exchange costs some 20 cycles in each
 * slow path. A barrier in all threads (membarrier), executed by visitors alone, would spare that,
 * but sandboxes do not allow the call.
 *
 * heap_mark_busy returns false when a visitor stays, for all we know.
 */
bool heap_await_visitor(struct heap *heap);

ALWAYS_INLINE bool heap_mark_busy(struct heap *heap, struct frame_mark *mark) {
    MALLOW_ASSERT(owner_is_taken_by_self(&heap->owner));
    frame_mark_set(mark, (uintptr_t)mark);
    __atomic_exchange_n(&heap->busy, (uintptr_t)mark, __ATOMIC_SEQ_CST);
    return likely(atomic_load_explicit(&heap->visit.word, memory_order_seq_cst) == 0) ||
           heap_await_visitor(heap);
}

ALWAYS_INLINE void heap_mark_idle(struct heap *heap) {
    MALLOW_ASSERT(owner_is_taken_by_self(&heap->owner));
    __atomic_store_n(&heap->busy, 0, __ATOMIC_RELEASE);
    sanitizer_release(heap);
}

#endif
