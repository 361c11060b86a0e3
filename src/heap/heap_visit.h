/* Mutual exclusion between the slow paths of a heap's owner and visitors from other threads. */
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
 * Begins a visit to a heap whose owner is not in a slow path. The owner waits at its next slow path
 * until the visit ends. Meanwhile the visitor may do to the heap's slabs what the owner may, with
 * two exceptions, because the owner's fast paths continue:
 *
 *   - It leaves the magazines alone.
 *   - It retires no slab. The owner may be about to free one of the slab's slots a second time, and
 *     that free reads the slab's states.
 *
 * Returns false if the heap cannot be visited now. If a signal handler jumps out of a visit, the
 * owner repairs the heap.
 */
bool heap_visit_begin(struct heap *heap, struct lock_hold *hold);
void heap_visit_end(struct heap *heap, struct lock_hold *hold);

/*
 * The owner's side. A thread that begins a slow path in its heap, or seizes a heap without a
 * thread, marks the heap busy:
 *
 *     visitor                           owner, or thread that seizes the heap
 *     -------                           -------------------------------------
 *     takes the lock                    busy := mark
 *     if busy != 0                      if the lock is taken
 *         drops it                          waits until it is not
 *
 * Each side stores its own word before it loads the other's, and these accesses have one order on
 * which all threads agree. At least one side therefore sees the other. The owner's exchange costs
 * about 20 cycles in each slow path. A barrier in all threads (membarrier), executed only by
 * visitors, would save them, but sandboxes do not allow that call.
 *
 * heap_mark_busy returns false if a visitor does not leave. The heap stays marked then.
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
