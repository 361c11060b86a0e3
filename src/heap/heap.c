#include "heap/heap.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/settings.h"
#include "heap/magazine.h"
#include "heap/mode.h"
#include "heap/remote.h"
#include "heap/repair.h"
#include "heap/slab.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "os/os_thread.h"
#include "pages/meta.h"
#include "pages/space.h"

#define EMPTY_1 {no_entries, no_entries + 1}
#define EMPTY_8 EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1
#define EMPTY_72 EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8
_Static_assert(CLASSES == 73, "the initialiser below names each magazine");

struct empty_heap empty_heap = {.magazine = {EMPTY_72, EMPTY_1}, .busy = 1};

__thread struct heap *self_heap = EMPTY_HEAP;

static struct heap *_Atomic registry;
static struct heap *_Atomic cursor; /* where the search for an orphan goes on */

struct heap *heap_first(void) { return atomic_load_explicit(&registry, memory_order_acquire); }

/* ---- visits ---- */

/*
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
 */
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

/* For the thread that has marked the heap busy. What a visitor that is gone left in motion is made
 * whole. False when a visitor stays, for all we know. */
static NOINLINE bool await_visitor(struct heap *heap) {
    struct lock_hold hold;
    if (!open_lock_take(&heap->visit, &hold)) return false;
    bool lost = hold.taken_over;
    open_lock_drop(&heap->visit, &hold);
    if (lost) repair_heap(heap);
    return true;
}

static bool mark_busy(struct heap *heap, struct frame_mark *mark) {
    MALLOW_ASSERT(owner_is_taken_by_self(&heap->owner));
    frame_mark_set(mark, (uintptr_t)mark);
    __atomic_exchange_n(&heap->busy, (uintptr_t)mark, __ATOMIC_SEQ_CST);
    return likely(atomic_load_explicit(&heap->visit.word, memory_order_seq_cst) == 0) ||
           await_visitor(heap);
}

static void mark_idle(struct heap *heap) {
    MALLOW_ASSERT(owner_is_taken_by_self(&heap->owner));
    __atomic_store_n(&heap->busy, 0, __ATOMIC_RELEASE);
    sanitizer_release(heap);
}

/* ---- ownership ---- */

/* Whether the slow path that marked the heap busy will not go on. */
static bool is_interrupted_for_ever(const struct heap *heap, const struct frame_mark *mark) {
    uintptr_t busy = heap->busy;
    return frame_mark_is_gone((const struct frame_mark *)busy, busy, mark);
}

static bool is_in_use_here(const struct heap *heap) {
    const struct heap *mine = self_heap == EMPTY_HEAP ? NULL : self_heap;
    while (mine != NULL && mine != heap) mine = mine->outer;
    return mine != NULL;
}

/* The caller has seized the heap before, and a handler has jumped out of what it did there. While
 * the heap is not marked busy, the interrupted function may be about to mark it, or to drop it. */
static bool is_abandoned(const struct heap *heap, const struct frame_mark *mark) {
    return !is_in_use_here(heap) && heap->busy != 0 && is_interrupted_for_ever(heap, mark);
}

/* The address of no mark. */
#define BUSY_LOST ((uintptr_t)64)

/* Becomes the owner of a heap that has none, makes it whole and marks it busy, so that a fork in
 * another thread finds it in need of repair. */
static bool heap_seize(struct heap *heap, struct frame_mark *mark) {
    if (owner_is_self(&heap->owner) ? !is_abandoned(heap, mark) : !owner_take(&heap->owner))
        return false;
    sanitizer_acquire(heap);
    bool interrupted = heap->busy != 0;
    if (!mark_busy(heap, mark)) {
        heap->busy = interrupted ? BUSY_LOST : 0;
        owner_drop(&heap->owner);
        return false;
    }
    owner_settle(&heap->owner);
    if (interrupted) repair_heap(heap);
    heap->outer = NULL;
    MALLOW_ASSERT(heap_lists_are_valid(heap));
    /* The next thread may use other classes than the last. */
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        heap->bin[size_class].heat = 0;
    return true;
}

static void heap_release(struct heap *heap) {
    MALLOW_ASSERT(owner_is_taken_by_self(&heap->owner));
    MALLOW_ASSERT(heap_lists_are_valid(heap));
    owner_unsettle(&heap->owner);
    mark_idle(heap);
    owner_drop(&heap->owner);
}

/* ---- the registry ---- */

#define LOOKS_FOR_HEAP 256 /* heaps tried by a new thread before it makes its own */
#define LOOKS_FOR_SLAB 4   /* and by one that needs a slab */

static struct heap *next_in_turn(void) {
    struct heap *heap = atomic_load_explicit(&cursor, memory_order_acquire);
    if (heap == NULL) heap = heap_first();
    if (heap != NULL) atomic_store_explicit(&cursor, heap->next, memory_order_release);
    return heap;
}

static struct heap *seize_any(int looks, struct heap *except, struct frame_mark *mark) {
    struct heap *first = NULL;
    while (looks-- > 0) {
        struct heap *heap = next_in_turn();
        if (heap == NULL || heap == first) return NULL;
        if (first == NULL) first = heap;
        if (heap != except && heap_seize(heap, mark)) return heap;
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
        atomic_store_explicit(&registry, heap, memory_order_release);
    }
    open_lock_drop(&global_lock, &hold);
    return heap;
}

/* Busy already, or else made for the caller. */
static struct heap *heap_acquire(struct frame_mark *mark) {
    uint64_t signals = open_lock_hold_signals();
    if (unlikely(heap_first() == NULL)) os_thread_learn();
    struct heap *heap = seize_any(LOOKS_FOR_HEAP, NULL, mark);
    if (heap == NULL) heap = heap_make();
    if (heap != NULL) heap->decay.tours_without_thread = 0;
    open_lock_release_signals(signals);
    return heap;
}

/* ---- slow paths and signals ---- */

static bool repair_interrupted(struct heap *heap, struct frame_mark *mark) {
    if (!mark_busy(heap, mark)) return false;
    repair_heap(heap);
    mark_idle(heap);
    return true;
}

/* A stand-in is no longer needed once the slow path that was interrupted cannot go on. */
static struct heap *leave_stand_ins(struct heap *heap, struct frame_mark *mark) {
    for (struct heap *outer; (outer = heap->outer) != NULL;) {
        if (!is_interrupted_for_ever(outer, mark)) break;
        if (!repair_interrupted(outer, mark)) break;
        self_heap = outer;
        heap->outer = NULL;
        heap_release(heap);
        heap = outer;
    }
    return heap;
}

static struct heap *stand_in_for(struct heap *heap, struct frame_mark *mark) {
    struct heap *other = heap_acquire(mark);
    if (other == NULL) return NULL;
    MALLOW_ASSERT(other != heap && other->outer == NULL);
    other->outer = heap;
    self_heap = other;
    return other;
}

static struct heap *enter_interrupted(struct heap *heap, struct frame_mark *mark) {
    if (heap == EMPTY_HEAP) {
        struct heap *first = heap_acquire(mark);
        if (first != NULL) self_heap = first;
        return first;
    }
    if (heap->busy != 0 && is_interrupted_for_ever(heap, mark)) repair_interrupted(heap, mark);
    if (heap->busy == 0) return leave_stand_ins(heap, mark);
    return stand_in_for(heap, mark);
}

struct heap *heap_enter_marked(struct frame_mark *mark) {
    struct heap *heap = self_heap;
    if (unlikely(heap->busy != 0) || unlikely(heap->outer != NULL)) {
        heap = enter_interrupted(heap, mark);
        if (heap == NULL) return NULL;
    }
    if (unlikely(!mark_busy(heap, mark))) { /* and it stays so */
        heap = stand_in_for(heap, mark);
        if (heap == NULL || !mark_busy(heap, mark)) return NULL;
    }
    unsigned generation = racy_load(unsigned, &settings.generation);
    if (unlikely(heap->generation != generation)) {
        if (magazines_renew(heap)) heap->generation = generation;
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
    mark_idle(heap);
    if (unlikely(self_heap != heap)) heap_go_back(heap);
}

/* ---- heaps without a thread ---- */

bool heap_reap(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    remote_collect_all(heap);
    magazines_flush_all(heap);
    bool some = slab_retire_empty(heap);
    while (slab_retire_empty(heap)) continue;
    MALLOW_ASSERT(heap_is_valid(heap));
    return some;
}

bool heap_reap_whole(struct heap *heap) {
    bool some = mode_relieve(heap);
    some |= heap_reap(heap);
    return some;
}

bool heap_relieve(void) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return false;
    bool some = heap_reap_whole(heap);
    heap_leave(heap);
    return some;
}

bool heap_begin_marked(struct heap *heap, struct frame_mark *mark) {
    if (heap != self_heap) return heap_seize(heap, mark);
    return heap->busy == 0 && mark_busy(heap, mark);
}

/* The caller's own heap may have a stand-in by now: self_heap alone does not tell. */
void heap_end(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    if (!is_in_use_here(heap)) {
        heap_release(heap);
        return;
    }
    mark_idle(heap);
    if (unlikely(self_heap != heap)) heap_go_back(heap);
}

struct slab *heap_take_orphan_slab(struct heap *heap, unsigned size_class) {
    if (heap_first()->next == NULL) return NULL;
    uint64_t signals = open_lock_hold_signals();
    struct slab *slab = NULL;
    struct frame_mark mark;
    struct heap *orphan = seize_any(LOOKS_FOR_SLAB, heap, &mark);
    if (orphan != NULL) {
        heap_reap(orphan);
        slab = orphan->bin[size_class].partial;
        if (slab != NULL) slab_transfer(slab, orphan, heap);
        heap_release(orphan);
    }
    open_lock_release_signals(signals);
    return slab;
}

struct heap_counts heap_reap_all(void) {
    struct heap_counts counts = {0};
    struct frame_mark mark; /* of each heap in turn, for as long as it is begun */
    uint64_t signals = open_lock_hold_signals();
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) {
        if (heap == self_heap || !heap_begin_marked(heap, &mark)) {
            counts.with_thread++;
            continue;
        }
        counts.without_thread++;
        heap_reap(heap);
        heap_end(heap);
    }
    open_lock_release_signals(signals);
    return counts;
}

/* Unless a slow path or a visit was interrupted by the fork. The heap is marked busy, as for each
 * slow path. */
ONLY_ASSERTED static bool own_heap_is_valid(void) {
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
    /* Ours, and those that it stands in for while a handler runs. */
    for (struct heap *heap = self_heap; heap != NULL && heap != EMPTY_HEAP; heap = heap->outer) {
        owner_take(&heap->owner);
        owner_settle(&heap->owner);
    }
    MALLOW_ASSERT(own_heap_is_valid());
}
