#include "heap/heap.h"

#include <errno.h>
#include <string.h>

#include "check/full.h"
#include "check/hard.h"
#include "heap/magazine.h"
#include "heap/remote.h"
#include "heap/repair.h"
#include "heap/slab.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "os/os_thread.h"
#include "pages/meta.h"
#include "process/settings.h"
#include "process/start.h"

#define EMPTY_1 \
    { no_entries, no_entries + 1 }
#define EMPTY_8 EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1
#define EMPTY_72 EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8
_Static_assert(CLASSES == 73, "the initialiser below names each magazine");

struct empty_heap empty_heap = {.magazine = {EMPTY_72, EMPTY_1}, .busy = 1};

__thread struct heap *self_heap = EMPTY_HEAP;

static struct heap *_Atomic registry;
static struct heap *_Atomic cursor; /* where the search for an orphan goes on */

struct heap *heap_first(void) {
    return atomic_load_explicit(&registry, memory_order_acquire);
}

/* ---- visits ---- */

enum { NO_VISITOR, VISITOR, VISITOR_AWAITED, VISITOR_LOST };

/*
 *     visitor                           the heap's thread, or a thread that seizes the heap
 *     -------                           ---------------------------------------------------
 *     visitor := VISITOR                busy := frame
 *     if busy != 0                      if visitor != NO_VISITOR
 *         visitor := NO_VISITOR             wait until it is
 *
 * Each side stores its own word before it loads the other's, in one order that all threads agree
 * on: so at least one of the two sees the other. The owner's exchange costs some 20 cycles in each
 * slow path. A barrier in all threads (membarrier), executed by visitors alone, would spare that,
 * but sandboxes do not allow the call.
 */
bool heap_visit_begin(struct heap *heap) {
    int nobody = NO_VISITOR;
    if (!atomic_compare_exchange_strong_explicit(&heap->visitor, &nobody, VISITOR,
                                                 memory_order_seq_cst, memory_order_relaxed))
        return false;
    bool alone = __atomic_load_n(&heap->busy, __ATOMIC_SEQ_CST) == 0;
    if (alone)
        sanitizer_acquire(heap);
    else
        heap_visit_end(heap);
    return alone;
}

void heap_visit_end(struct heap *heap) {
    if (atomic_exchange_explicit(&heap->visitor, NO_VISITOR, memory_order_release) ==
        VISITOR_AWAITED)
        os_wake_one(&heap->visitor);
}

/* Of who has marked the heap busy. What a visitor left in motion when the process forked is made
 * whole. */
static void wait_for_visitor(struct heap *heap) {
    for (;;) {
        int now = atomic_load_explicit(&heap->visitor, memory_order_acquire);
        if (now == NO_VISITOR) return;
        if (now == VISITOR_LOST) {
            atomic_store_explicit(&heap->visitor, NO_VISITOR, memory_order_relaxed);
            repair_heap(heap);
        } else if (now == VISITOR_AWAITED ||
                   atomic_compare_exchange_strong(&heap->visitor, &now, VISITOR_AWAITED)) {
            os_wait(&heap->visitor, VISITOR_AWAITED);
        }
    }
}

static void mark_busy(struct heap *heap, uintptr_t frame) {
    __atomic_exchange_n(&heap->busy, frame, __ATOMIC_SEQ_CST);
    if (unlikely(atomic_load_explicit(&heap->visitor, memory_order_seq_cst) != NO_VISITOR))
        wait_for_visitor(heap);
}

static void mark_idle(struct heap *heap) {
    __atomic_store_n(&heap->busy, 0, __ATOMIC_RELEASE);
    sanitizer_release(heap);
}

/* ---- ownership ---- */

/* Whether the slow path that marked the heap busy can still go on. Stacks grow downwards, so its
 * frame is gone when ours is at or above it; on a signal stack that comparison means nothing. */
static bool frame_is_gone(const struct heap *heap, uintptr_t frame) {
    return frame >= heap->busy && !os_on_signal_stack();
}

static bool is_in_use_here(const struct heap *heap) {
    const struct heap *mine = self_heap == EMPTY_HEAP ? NULL : self_heap;
    while (mine != NULL && mine != heap) mine = mine->outer;
    return mine != NULL;
}

/* The caller has seized the heap before, and a handler has jumped out of what it did there. While
 * the heap is not marked busy, the interrupted function may be about to mark it, or to drop it. */
static bool is_abandoned(const struct heap *heap, uintptr_t frame) {
    return !is_in_use_here(heap) && heap->busy != 0 && frame_is_gone(heap, frame);
}

/* Becomes the owner of a heap that has none, makes it whole and marks it busy, so that a fork in
 * another thread finds it in need of repair. Signals must be blocked. */
static bool heap_seize(struct heap *heap, uintptr_t frame) {
    if (owner_is_self(&heap->owner) ? !is_abandoned(heap, frame) : !owner_take(&heap->owner))
        return false;
    sanitizer_acquire(heap);
    bool interrupted = heap->busy != 0;
    mark_busy(heap, frame);
    owner_settle(&heap->owner);
    if (interrupted) repair_heap(heap);
    heap->outer = NULL;
    /* The next thread may use other classes than the last. */
    for (unsigned class = 0; class < CLASSES; class ++) heap->bin[class].heat = 0;
    return true;
}

static void heap_release(struct heap *heap) {
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

static struct heap *seize_any(int looks, struct heap *except, uintptr_t frame) {
    struct heap *first = NULL;
    while (looks-- > 0) {
        struct heap *heap = next_in_turn();
        if (heap == NULL || heap == first) return NULL;
        if (first == NULL) first = heap;
        if (heap != except && heap_seize(heap, frame)) return heap;
    }
    return NULL;
}

static struct heap *heap_make(void) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    struct heap *heap = start_once() ? meta_alloc(sizeof *heap) : NULL;
    if (heap != NULL) {
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

static struct heap *heap_acquire(uintptr_t frame) {
    uint64_t mask = os_block_signals();
    if (unlikely(heap_first() == NULL)) os_thread_learn();
    struct heap *heap = seize_any(LOOKS_FOR_HEAP, NULL, frame);
    if (heap == NULL)
        heap = heap_make();
    else
        mark_idle(heap);
    if (heap != NULL) heap->decay.tours_without_thread = 0;
    os_restore_signals(mask);
    return heap;
}

/* ---- slow paths and signals ---- */

static void repair_interrupted(struct heap *heap, uintptr_t frame) {
    mark_busy(heap, frame);
    repair_heap(heap);
    mark_idle(heap);
}

/* A stand-in is no longer needed once the slow path that was interrupted cannot go on. */
static struct heap *leave_stand_ins(struct heap *heap, uintptr_t frame) {
    while (heap->outer != NULL && frame_is_gone(heap->outer, frame)) {
        struct heap *outer = heap->outer;
        repair_interrupted(outer, frame);
        self_heap = outer;
        heap->outer = NULL;
        heap_release(heap);
        heap = outer;
    }
    return heap;
}

static struct heap *enter_interrupted(struct heap *heap, uintptr_t frame) {
    if (heap == EMPTY_HEAP) {
        struct heap *first = heap_acquire(frame);
        if (first != NULL) self_heap = first;
        return first;
    }
    if (heap->busy != 0 && frame_is_gone(heap, frame)) repair_interrupted(heap, frame);
    if (heap->busy == 0) return leave_stand_ins(heap, frame);
    struct heap *other = heap_acquire(frame);
    if (other == NULL) return NULL;
    other->outer = heap;
    self_heap = other;
    return other;
}

struct heap *heap_enter(void) {
    struct heap *heap = self_heap;
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    if (unlikely(heap->busy != 0) || unlikely(heap->outer != NULL)) {
        heap = enter_interrupted(heap, frame);
        if (heap == NULL) return NULL;
    }
    mark_busy(heap, frame);
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

/* The handler that interrupted us has returned: the heaps that stood in are for others now. */
static void go_back_to(struct heap *heap) {
    uint64_t mask = os_block_signals();
    struct heap *stand_in = self_heap;
    self_heap = heap;
    while (stand_in != NULL && stand_in != heap && stand_in != EMPTY_HEAP) {
        struct heap *outer = stand_in->outer;
        stand_in->outer = NULL;
        heap_release(stand_in);
        stand_in = outer;
    }
    os_restore_signals(mask);
}

void heap_leave(struct heap *heap) {
    signal_order();
    racy_store(&heap->turns, heap->turns + 1);
    mark_idle(heap);
    if (unlikely(self_heap != heap)) go_back_to(heap);
}

/* ---- heaps without a thread ---- */

bool heap_reap(struct heap *heap) {
    remote_collect_all(heap);
    magazines_flush_all(heap);
    bool some = slab_retire_empty(heap);
    while (slab_retire_empty(heap)) continue;
    return some;
}

bool heap_reap_whole(struct heap *heap) {
    bool some = full_relieve(heap);
    some |= hard_relieve(heap);
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

bool heap_begin(struct heap *heap) {
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    if (heap != self_heap) return heap_seize(heap, frame);
    if (heap->busy != 0) return false;
    mark_busy(heap, frame);
    return true;
}

void heap_end(struct heap *heap) {
    if (heap == self_heap)
        mark_idle(heap);
    else
        heap_release(heap);
}

struct slab *heap_take_orphan_slab(struct heap *heap, unsigned class) {
    if (heap_first()->next == NULL) return NULL;
    uint64_t mask = os_block_signals();
    struct slab *slab = NULL;
    struct heap *orphan = seize_any(LOOKS_FOR_SLAB, heap, (uintptr_t)__builtin_frame_address(0));
    if (orphan != NULL) {
        heap_reap(orphan);
        slab = orphan->bin[class].partial;
        if (slab != NULL) slab_transfer(slab, orphan, heap);
        heap_release(orphan);
    }
    os_restore_signals(mask);
    return slab;
}

struct heap_counts heap_reap_all(void) {
    struct heap_counts counts = {0};
    uint64_t mask = os_block_signals();
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) {
        if (heap == self_heap || !heap_begin(heap)) {
            counts.with_thread++;
            continue;
        }
        counts.without_thread++;
        heap_reap(heap);
        heap_end(heap);
    }
    os_restore_signals(mask);
    return counts;
}

void heap_after_fork(void) {
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) {
        owner_after_fork(&heap->owner);
        if (heap->visitor != NO_VISITOR) heap->visitor = VISITOR_LOST;
    }
    /* Ours, and those that it stands in for while a handler runs. */
    for (struct heap *heap = self_heap; heap != NULL && heap != EMPTY_HEAP; heap = heap->outer) {
        owner_take(&heap->owner);
        owner_settle(&heap->owner);
    }
}
