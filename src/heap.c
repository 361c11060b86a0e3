#include "heap.h"

#include <errno.h>
#include <string.h>

#include "lock.h"
#include "magazine.h"
#include "meta.h"
#include "os.h"
#include "remote.h"
#include "repair.h"
#include "slab.h"
#include "start.h"
#include "trim.h"

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

/* ---- ownership ---- */

static void init_mutex(struct heap *heap) {
    pthread_mutexattr_t robust;
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&heap->owner, &robust);
    pthread_mutexattr_destroy(&robust);
}

/* Becomes the owner of a heap that has none, and makes it whole. Signals must be blocked. */
static bool heap_seize(struct heap *heap) {
    int e = pthread_mutex_trylock(&heap->owner);
    if (e == EOWNERDEAD) e = pthread_mutex_consistent(&heap->owner);
    if (e != 0) return false;
    sanitizer_acquire(heap);
    if (heap->busy != 0) repair_heap(heap);
    heap->busy = 0;
    heap->outer = NULL;
    /* The next thread may use other classes than the last. */
    for (unsigned class = 0; class < CLASSES; class ++) heap->bin[class].heat = 0;
    return true;
}

static void heap_release(struct heap *heap) { pthread_mutex_unlock(&heap->owner); }

/* ---- the registry ---- */

#define LOOKS_FOR_HEAP 256 /* heaps tried by a new thread before it makes its own */
#define LOOKS_FOR_SLAB 4   /* and by one that needs a slab */

static struct heap *next_in_turn(void) {
    struct heap *heap = atomic_load_explicit(&cursor, memory_order_acquire);
    if (heap == NULL) heap = heap_first();
    if (heap != NULL) atomic_store_explicit(&cursor, heap->next, memory_order_release);
    return heap;
}

static struct heap *seize_any(int looks, struct heap *except) {
    struct heap *first = NULL;
    while (looks-- > 0) {
        struct heap *heap = next_in_turn();
        if (heap == NULL || heap == first) return NULL;
        if (first == NULL) first = heap;
        if (heap != except && heap_seize(heap)) return heap;
    }
    return NULL;
}

static struct heap *heap_make(void) {
    lock_take(&global_lock);
    struct heap *heap = start_once() ? meta_alloc(sizeof *heap) : NULL;
    if (heap != NULL) {
        memset(heap, 0, sizeof *heap);
        magazines_init(heap);
        init_mutex(heap);
        pthread_mutex_lock(&heap->owner);
        heap->next = heap_first();
        atomic_store_explicit(&registry, heap, memory_order_release);
    }
    lock_drop(&global_lock);
    return heap;
}

static struct heap *heap_acquire(void) {
    uint64_t mask = os_block_signals();
    struct heap *heap = seize_any(LOOKS_FOR_HEAP, NULL);
    if (heap == NULL) heap = heap_make();
    os_restore_signals(mask);
    return heap;
}

/* ---- slow paths and signals ---- */

/* Whether the slow path that marked the heap busy can still go on. Stacks grow downwards, so its
 * frame is gone when ours is at or above it; on a signal stack that comparison means nothing. */
static bool frame_is_gone(const struct heap *heap, uintptr_t frame) {
    return frame >= heap->busy && !os_on_signal_stack();
}

/* A stand-in is no longer needed once the slow path that was interrupted cannot go on. */
static struct heap *leave_stand_ins(struct heap *heap, uintptr_t frame) {
    while (heap->outer != NULL && frame_is_gone(heap->outer, frame)) {
        struct heap *outer = heap->outer;
        outer->busy = frame;
        repair_heap(outer);
        self_heap = outer;
        outer->busy = 0;
        heap->outer = NULL;
        heap->busy = 0;
        heap_release(heap);
        heap = outer;
    }
    return heap;
}

static struct heap *enter_interrupted(struct heap *heap, uintptr_t frame) {
    if (heap == EMPTY_HEAP) {
        struct heap *first = heap_acquire();
        if (first != NULL) self_heap = first;
        return first;
    }
    if (heap->busy != 0 && frame_is_gone(heap, frame)) {
        heap->busy = frame;
        repair_heap(heap);
        heap->busy = 0;
    }
    if (heap->busy == 0) return leave_stand_ins(heap, frame);
    struct heap *other = heap_acquire();
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
    heap->busy = frame;
    signal_order();
    return heap;
}

/* The handler that interrupted us has returned: the heaps that stood in are for others now. */
static void go_back_to(struct heap *heap) {
    uint64_t mask = os_block_signals();
    struct heap *stand_in = self_heap;
    self_heap = heap;
    while (stand_in != NULL && stand_in != heap && stand_in != EMPTY_HEAP) {
        struct heap *outer = stand_in->outer;
        stand_in->outer = NULL;
        stand_in->busy = 0;
        heap_release(stand_in);
        stand_in = outer;
    }
    os_restore_signals(mask);
}

void heap_leave(struct heap *heap) {
    signal_order();
    heap->busy = 0;
    sanitizer_release(heap);
    if (unlikely(self_heap != heap)) go_back_to(heap);
}

/* ---- heaps without a thread ---- */

/* What a thread left in its magazines goes back to its slabs. */
static void heap_reap(struct heap *heap) {
    remote_collect_all(heap);
    magazines_flush_all(heap);
    while (slab_retire_empty(heap)) continue;
}

/* Between the two a fork in another thread finds the heap in need of repair. */
static bool heap_begin(struct heap *heap) {
    bool mine = heap == self_heap;
    if (mine ? heap->busy != 0 : !heap_seize(heap)) return false;
    heap->busy = UINTPTR_MAX;
    return true;
}

static void heap_end(struct heap *heap) {
    heap->busy = 0;
    sanitizer_release(heap);
    if (heap != self_heap) heap_release(heap);
}

struct slab *heap_take_orphan_slab(struct heap *heap, unsigned class) {
    if (heap_first()->next == NULL) return NULL;
    uint64_t mask = os_block_signals();
    struct slab *slab = NULL;
    struct heap *orphan = seize_any(LOOKS_FOR_SLAB, heap);
    if (orphan != NULL) {
        orphan->busy = UINTPTR_MAX;
        heap_reap(orphan);
        slab = orphan->bin[class].partial;
        if (slab != NULL) slab_transfer(slab, orphan, heap);
        heap_end(orphan);
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

/* ---- visits to heaps whose thread may be at work ---- */

/* Visitor and owner each raise their flag before they look at the other's: one at least sees it. */
bool heap_visit_begin(struct heap *heap) {
    if (atomic_exchange_explicit(&heap->visited, 1, memory_order_seq_cst) != 0) return false;
    if (atomic_load_explicit(&heap->closed, memory_order_seq_cst) == 0) return true;
    heap_visit_end(heap);
    return false;
}

void heap_visit_end(struct heap *heap) {
    atomic_store_explicit(&heap->visited, 0, memory_order_seq_cst);
    if (atomic_load_explicit(&heap->closed, memory_order_seq_cst) != 0) os_wake_one(&heap->visited);
}

bool heap_close(struct heap *heap) {
    atomic_exchange_explicit(&heap->closed, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&heap->visited, memory_order_seq_cst) == 0) return true;
    heap_open(heap);
    return false;
}

void heap_open(struct heap *heap) { atomic_store_explicit(&heap->closed, 0, memory_order_release); }

void heap_close_waiting(struct heap *heap) {
    atomic_exchange_explicit(&heap->closed, 1, memory_order_seq_cst);
    while (atomic_load_explicit(&heap->visited, memory_order_seq_cst) != 0)
        os_wait(&heap->visited, 1);
}

static size_t visit(struct heap *heap, size_t pages) {
    if (heap == self_heap || !heap_visit_begin(heap)) return 0;
    size_t gone = trim_remote(heap, pages);
    heap_visit_end(heap);
    return gone;
}

bool heap_trim_all(void) {
    bool some = false;
    uint64_t mask = os_block_signals();
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) {
        if (heap_begin(heap)) {
            heap_reap(heap);
            some |= trim_slabs(heap);
            heap_end(heap);
        } else {
            some |= visit(heap, SIZE_MAX) != 0;
        }
    }
    os_restore_signals(mask);
    return some;
}

#define IDLE_NS 500000000ll
#define IDLE_PAGES ((size_t)8 * MIB >> RUN_SHIFT)

void heap_trim_idle(void) {
    static _Atomic int64_t due;
    int64_t now = os_coarse_ns(), before = atomic_load_explicit(&due, memory_order_relaxed);
    if (now < before ||
        !atomic_compare_exchange_strong_explicit(&due, &before, now + IDLE_NS, memory_order_relaxed,
                                                 memory_order_relaxed))
        return;
    size_t left = IDLE_PAGES;
    uint64_t mask = os_block_signals();
    for (struct heap *heap = heap_first(); heap != NULL && left > 0; heap = heap->next)
        left -= min_size(left, visit(heap, left));
    /* There was more than a slice: go on with the next call. */
    if (left == 0) atomic_store_explicit(&due, now, memory_order_relaxed);
    os_restore_signals(mask);
}

void heap_after_fork(void) {
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) {
        init_mutex(heap);
        heap->visited = heap->closed = 0; /* by threads that are not here */
    }
    /* Ours, and those that it stands in for while a handler runs. */
    for (struct heap *heap = self_heap; heap != NULL && heap != EMPTY_HEAP; heap = heap->outer)
        pthread_mutex_lock(&heap->owner);
}
