#include "heap/heap_owner.h"

#include <string.h>

#include "base/assert.h"
#include "heap/heap_valid.h"
#include "heap/heap_visit.h"
#include "heap/magazine.h"
#include "heap/repair.h"
#include "os/open_lock.h"
#include "os/os_thread.h"
#include "pages/meta.h"
#include "pages/space.h"

static struct heap *_Atomic heap_registry;
static struct heap *_Atomic heap_cursor; /* where the search in the registry continues */

struct heap *heap_first(void) { return atomic_load_explicit(&heap_registry, memory_order_acquire); }

bool heap_is_interrupted_for_ever(const struct heap *heap, const struct frame_mark *mark) {
    uintptr_t busy = heap->busy;
    return frame_mark_is_gone((const struct frame_mark *)busy, busy, mark);
}

bool heap_is_in_use_here(const struct heap *heap) {
    const struct heap *mine = self_heap == EMPTY_HEAP ? NULL : self_heap;
    while (mine != NULL && mine != heap) mine = mine->outer;
    return mine != NULL;
}

/* Returns true if the caller has seized the heap before, and a handler has jumped out of its work
 * there. If the heap is not marked busy, the interrupted function may still continue, and be about
 * to mark the heap or to drop it. */
static bool heap_is_abandoned(const struct heap *heap, const struct frame_mark *mark) {
    return !heap_is_in_use_here(heap) && heap->busy != 0 &&
           heap_is_interrupted_for_ever(heap, mark);
}

/* No mark has this address, so the heap counts as interrupted. */
#define BUSY_LOST ((uintptr_t)64)

bool heap_seize(struct heap *heap, struct frame_mark *mark) {
    if (owner_is_self(&heap->owner) ? !heap_is_abandoned(heap, mark) : !owner_take(&heap->owner))
        return false;
    sanitizer_acquire(heap);
    bool interrupted = heap->busy != 0;
    if (!heap_mark_busy(heap, mark)) {
        heap->busy = interrupted ? BUSY_LOST : 0;
        owner_drop(&heap->owner);
        return false;
    }
    owner_settle(&heap->owner);
    if (interrupted) repair_heap(heap);
    heap->outer = NULL;
    MALLOW_ASSERT(heap_lists_are_valid(heap));
    /* The new owner may use other classes than the last one. */
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        heap->bin[size_class].heat = 0;
    return true;
}

void heap_release(struct heap *heap) {
    MALLOW_ASSERT(owner_is_taken_by_self(&heap->owner));
    MALLOW_ASSERT(heap_lists_are_valid(heap));
    owner_unsettle(&heap->owner);
    heap_mark_idle(heap);
    owner_drop(&heap->owner);
}

/* ---- the registry ---- */

#define LOOKS_FOR_HEAP 256 /* heaps that a new thread tries before it makes its own */

static struct heap *heap_next_in_turn(void) {
    struct heap *heap = atomic_load_explicit(&heap_cursor, memory_order_acquire);
    if (heap == NULL) heap = heap_first();
    if (heap != NULL) atomic_store_explicit(&heap_cursor, heap->next, memory_order_release);
    return heap;
}

struct heap *heap_seize_any(int looks, struct heap *except, struct frame_mark *mark) {
    struct heap *first = NULL;
    while (looks-- > 0) {
        struct heap *heap = heap_next_in_turn();
        if (heap == NULL || heap == first) return NULL;
        if (first == NULL) first = heap;
        if (heap != except && heap_seize(heap, mark)) return heap;
    }
    return NULL;
}

/* Another thread may use the heap, so the answer may be out of date. */
static bool heap_seems_to_have_slots(const struct heap *heap, unsigned size_class) {
    return racy_load(struct slab *, &heap->bin[size_class].partial) != NULL ||
           atomic_load_explicit(&heap->pending[size_class], memory_order_relaxed) != NULL;
}

static bool heap_seize_if_slots(struct heap *heap, unsigned size_class, struct frame_mark *mark) {
    return heap_seems_to_have_slots(heap, size_class) && heap_seize(heap, mark);
}

struct heap *heap_seize_with_slots(unsigned size_class, int looks, struct heap *self,
                                   struct frame_mark *mark) {
    struct heap *heap = self->freed_for, *first = NULL;
    if (heap != NULL && heap != self && heap_seize_if_slots(heap, size_class, mark)) return heap;
    while (looks-- > 0) {
        heap = heap_next_in_turn();
        if (heap == NULL || heap == first) return NULL;
        if (first == NULL) first = heap;
        if (heap != self && heap_seize_if_slots(heap, size_class, mark)) return heap;
    }
    return NULL;
}

static struct heap *heap_make(void) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    struct heap *heap = space_start_locked() ? meta_alloc(sizeof *heap) : NULL;
    if (heap != NULL) {
        MALLOW_ASSERT((uintptr_t)heap % CACHE_LINE == 0);
        memset(heap, 0, sizeof *heap);
        magazines_init(heap);
        owner_take(&heap->owner);
        owner_settle(&heap->owner);
        heap->next = heap_first();
        atomic_store_explicit(&heap_registry, heap, memory_order_release);
    }
    open_lock_drop(&global_lock, &hold);
    return heap;
}

struct heap *heap_acquire(struct frame_mark *mark) {
    uint64_t signals = open_lock_hold_signals();
    if (unlikely(heap_first() == NULL)) os_thread_learn();
    struct heap *heap = heap_seize_any(LOOKS_FOR_HEAP, NULL, mark);
    if (heap == NULL) heap = heap_make();
    if (heap != NULL) heap->decay.tours_without_thread = 0;
    open_lock_release_signals(signals);
    return heap;
}
