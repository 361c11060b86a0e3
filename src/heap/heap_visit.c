#include "heap/heap_visit.h"

#include "base/assert.h"
#include "heap/repair.h"

bool heap_visit_begin(struct heap *heap, struct lock_hold *hold) {
    if (!open_lock_try(&heap->visit, hold)) return false;
#ifndef __x86_64__
    atomic_thread_fence(memory_order_seq_cst);
#endif
    bool alone = __atomic_load_n(&heap->busy, __ATOMIC_SEQ_CST) == 0;
    if (alone)
        sanitizer_acquire(heap);
    else
        heap_visit_end(heap, hold);
    return alone;
}

void heap_visit_end(struct heap *heap, struct lock_hold *hold) {
    open_lock_assert_held(&heap->visit);
    open_lock_drop(&heap->visit, hold);
}

/* Called only by the thread that has marked the heap busy. Repairs the heap if the visitor left
 * without ending its visit. Returns false if a visitor does not leave. */
NOINLINE bool heap_await_visitor(struct heap *heap) {
    struct lock_hold hold;
    if (!open_lock_take(&heap->visit, &hold)) return false;
    bool lost = hold.taken_over;
    open_lock_drop(&heap->visit, &hold);
    if (lost) repair_heap(heap);
    return true;
}
