#include "heap/heap_enter.h"

#include "base/assert.h"
#include "base/settings.h"
#include "heap/call_counts.h"
#include "heap/heap_owner.h"
#include "heap/heap_valid.h"
#include "heap/heap_visit.h"
#include "heap/magazine.h"
#include "heap/repair.h"
#include "heap/shared.h"
#include "os/open_lock.h"

static bool heap_repair_interrupted(struct heap *heap, struct frame_mark *mark) {
    if (!heap_mark_busy(heap, mark)) return false;
    repair_heap(heap);
    heap_mark_idle(heap);
    return true;
}

/* A stand-in is needed only as long as the interrupted slow path may continue. */
static struct heap *heap_leave_stand_ins(struct heap *heap, struct frame_mark *mark) {
    for (struct heap *outer; (outer = heap->outer) != NULL;) {
        if (!heap_is_interrupted_for_ever(outer, mark)) break;
        if (!heap_repair_interrupted(outer, mark)) break;
        self_heap = outer;
        heap->outer = NULL;
        heap_release(heap);
        heap = outer;
    }
    return heap;
}

static struct heap *heap_stand_in_for(struct heap *heap, struct frame_mark *mark) {
    struct heap *other = heap_acquire(mark);
    if (other == NULL) return NULL;
    MALLOW_ASSERT(other != heap && other->outer == NULL);
    other->outer = heap;
    self_heap = other;
    return other;
}

static struct heap *heap_enter_interrupted(struct heap *heap, struct frame_mark *mark) {
    if (heap == EMPTY_HEAP) {
        struct heap *first = heap_acquire(mark);
        if (first != NULL) self_heap = first;
        return first;
    }
    if (heap->busy != 0 && heap_is_interrupted_for_ever(heap, mark))
        heap_repair_interrupted(heap, mark);
    if (heap->busy == 0) return heap_leave_stand_ins(heap, mark);
    return heap_stand_in_for(heap, mark);
}

struct heap *heap_enter_marked(struct frame_mark *mark) {
    struct heap *heap = self_heap;
    if (unlikely(heap->busy != 0) || unlikely(heap->outer != NULL)) {
        heap = heap_enter_interrupted(heap, mark);
        if (heap == NULL) return NULL;
    }
    if (unlikely(!heap_mark_busy(heap, mark))) { /* the heap stays marked */
        heap = heap_stand_in_for(heap, mark);
        if (heap == NULL || !heap_mark_busy(heap, mark)) return NULL;
    }
    unsigned generation = racy_load(unsigned, &settings.generation);
    if (unlikely(heap->generation != generation)) {
        if (magazines_renew(heap)) {
            shared_flush_waiting(heap);
            call_counts_follow(heap);
            heap->generation = generation;
        }
    }
    return heap;
}

RARE void heap_follow_settings(void) {
    struct heap *heap = self_heap == EMPTY_HEAP ? NULL : heap_enter();
    if (heap != NULL) heap_leave(heap);
}

void heap_go_back(struct heap *heap) {
    uint64_t signals = open_lock_hold_signals();
    struct heap *stand_in = self_heap;
    self_heap = heap;
    while (stand_in != NULL && stand_in != heap && stand_in != EMPTY_HEAP) {
        struct heap *outer = stand_in->outer;
        stand_in->outer = NULL;
        heap_release(stand_in);
        stand_in = outer;
    }
    open_lock_release_signals(signals);
}

void heap_leave(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    MALLOW_ASSERT(heap_is_valid_at_times(heap));
    signal_order();
    racy_store(&heap->slow_path_count, heap->slow_path_count + 1);
    frame_mark_clear((struct frame_mark *)heap->busy);
    heap_mark_idle(heap);
    if (unlikely(self_heap != heap)) heap_go_back(heap);
}

bool heap_begin_marked(struct heap *heap, struct frame_mark *mark) {
    if (heap != self_heap) return heap_seize(heap, mark);
    return heap->busy == 0 && heap_mark_busy(heap, mark);
}

/* Does not compare with self_heap, because the caller's own heap may have a stand-in by now. */
void heap_end(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    if (!heap_is_in_use_here(heap)) {
        heap_release(heap);
        return;
    }
    heap_mark_idle(heap);
    if (unlikely(self_heap != heap)) heap_go_back(heap);
}

/* Checks nothing if the fork interrupted a slow path or a visit. heap_is_valid requires the heap to
 * be marked busy. */
ONLY_ASSERTED static bool heap_own_is_valid(void) {
    struct heap *heap = self_heap;
    struct frame_mark mark;
    if (heap->busy != 0 || heap_is_visited(heap)) return true;
    heap_begin_short(heap, &mark);
    MALLOW_ASSERT(heap_is_valid(heap));
    heap_end_short(heap, &mark);
    return true;
}

void heap_after_fork(void) {
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) {
        owner_after_fork(&heap->owner);
        open_lock_lose(&heap->visit);
    }
    /* The thread keeps its heap, and the heaps for which that one stands in while a handler
     * runs. */
    for (struct heap *heap = self_heap; heap != NULL && heap != EMPTY_HEAP; heap = heap->outer) {
        owner_take(&heap->owner);
        owner_settle(&heap->owner);
    }
    MALLOW_ASSERT(heap_own_is_valid());
}
