#include "heap/decay.h"

#include "base/assert.h"
#include "base/atomics.h"
#include "base/settings.h"
#include "heap/heap_enter.h"
#include "heap/heap_owner.h"
#include "heap/heap_reap.h"
#include "heap/heap_visit.h"
#include "heap/magazine.h"
#include "heap/mode.h"
#include "heap/remote.h"
#include "heap/trim.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/purge.h"
#include "pages/purge_pass.h"

#define MS 1000000ll
#define LOOK_NS (4 * MS)    /* between two slices of a sweep */
#define LOOK_SLICES 4u      /* of pages, purged in each look */
#define SWEEP_NS (200 * MS) /* between two sweeps of a heap */
#define TOUR_NS (200 * MS)  /* between two tours of the other threads' heaps */
#define TOUR_SLICES 2u
#define TOURS_OF_WAITING 5u

/* Runs one slice of a sweep over the heap's slabs. Returns true if the sweep is complete, or not
 * due yet. */
static bool decay_heap(struct heap *heap, int64_t now, bool visited) {
    MALLOW_ASSERT(visited || heap_is_entered(heap));
    heap_assert_held(heap);
    struct heap_decay *decay = &heap->decay;
    /* Each slot in a magazine keeps its page, so magazines are halved on time, even while a sweep
     * that takes longer is not complete. A slab that becomes empty by that retires without a sweep.
     */
    if (!visited && now >= decay->next_halving) {
        decay->next_halving = now + SWEEP_NS;
        heap->idle_emptied = 0;
        magazines_halve(heap);
    }
    if (now < decay->next_sweep) return true;
    if (decay->granule == 0) {
        decay->unfinished = false;
        decay->began_at = heap->slow_path_count;
    }
    if (remote_collect_some(heap)) {
        /* The slots may lie where this sweep, or an earlier one, has been. */
        decay->unfinished = true;
        racy_store(&decay->finished_at, heap->slow_path_count - 1);
    }
    struct trim_sweep sweep = {.age = AGE_OLD, .may_retire = !visited};
    bool done = trim_slice(heap, &decay->granule, &sweep);
    decay->unfinished = decay->unfinished || sweep.left;
    if (!done) return false;
    decay->next_sweep = now + SWEEP_NS;
    /* A slow path since the beginning may have changed slabs where the sweep has been. */
    if (!decay->unfinished) racy_store(&decay->finished_at, decay->began_at);
    return true;
}

/* Returns true if a sweep would find nothing, as far as other threads can see. */
static bool decay_is_settled(struct heap *heap) {
    return racy_load(unsigned, &heap->decay.finished_at) ==
               racy_load(unsigned, &heap->slow_path_count) &&
           !remote_pending(heap);
}

/* Runs one slice of a sweep over a heap that is not the caller's. Returns true if the sweep is
 * complete, not due, or not possible now. */
static bool decay_other(struct heap *heap, int64_t now) {
    bool done = true;
    struct lock_hold hold;
    if (heap_begin(heap)) { /* its thread has ended */
        /* Slots that a mode keeps, for example in a quarantine, stay there for another second. */
        bool waits = mode_sees_all() && heap->decay.tours_without_thread++ < TOURS_OF_WAITING;
        (waits ? heap_reap : heap_reap_whole)(heap);
        done = decay_heap(heap, now, false);
        if (waits)
            racy_store(&heap->decay.finished_at,
                       heap->slow_path_count - 1); /* there is more to do */
        heap_end(heap);
    } else if (heap_visit_begin(heap, &hold)) {
        done = decay_heap(heap, now, true);
        heap_visit_end(heap, &hold);
    }
    return done;
}

/* A tour of all heaps. One thread at a time continues it, by a few slices in each call. */
static void decay_continue_tour(void) {}
static struct {
    struct open_lock lock;
    _Atomic int64_t next;
    struct heap *at;
} decay_tour = {.lock = {.repair = decay_continue_tour, .kind = TOUR_LOCK}};

static void decay_tour_heaps(int64_t now) {
    open_lock_assert_held(&decay_tour.lock);
    if (decay_tour.at == NULL) decay_tour.at = heap_first();
    for (unsigned slices = 0; decay_tour.at != NULL && slices < TOUR_SLICES;) {
        bool skipped = decay_tour.at == self_heap || decay_is_settled(decay_tour.at);
        slices += !skipped;
        if (skipped || decay_other(decay_tour.at, now)) decay_tour.at = decay_tour.at->next;
    }
    if (decay_tour.at == NULL)
        atomic_store_explicit(&decay_tour.next, now + TOUR_NS, memory_order_relaxed);
}

static void decay_others(int64_t now) {
    struct lock_hold hold;
    if (now < atomic_load_explicit(&decay_tour.next, memory_order_relaxed) ||
        !open_lock_try(&decay_tour.lock, &hold))
        return;
    decay_tour_heaps(now);
    open_lock_drop(&decay_tour.lock, &hold);
}

/* The next tour starts from the beginning, unless the fork was made by a signal handler that
 * interrupted a tour: the thread then continues that tour. */
void decay_after_fork(void) {
    if (open_lock_after_fork(&decay_tour.lock)) decay_tour.at = NULL;
}

void decay_look(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    int64_t now = purge_now();
    if (now < heap->decay.next_look || !purge_is_wanted()) return;
    bool is_new = heap->decay.next_look == 0;
    heap->decay.next_look = now + LOOK_NS;
    if (is_new) return; /* small programs end without the code below in memory */
    purge_wake();
    decay_heap(heap, now, false);
    for (unsigned slices = 0; slices < LOOK_SLICES && purge_pass_unused(now); slices++) continue;
    decay_others(now);
}

void decay_look_at_others(void) {
    if (!purge_is_wanted()) return;
    int64_t now = purge_now();
    purge_pass_unused(now);
    decay_others(now);
}

static bool decay_is_all_settled(void) {
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next)
        if (heap != self_heap && !decay_is_settled(heap)) return false;
    return !purge_pass_has_more();
}

bool decay_round(void) {
    if (!purge_is_wanted()) return false;
    int64_t now = purge_now();
    /* A tour can report damage, and the program's error handler must run in a thread of the
     * program.
     */
    bool handled = racy_load(bool, &settings.error_handler);
    if (!handled) {
        do decay_others(now);
        while (now >= atomic_load_explicit(&decay_tour.next, memory_order_relaxed));
    }
    while (purge_pass_unused(now)) continue;
    return handled ? purge_pass_has_more() : !decay_is_all_settled();
}
