/* Free pages inside old slabs go back to the kernel, and used pages stay. Either one visitor or the
 * heap's own thread works on a heap at a time. */
#include "held.h"
#include "threads.h"
#include "unit.h"

#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "heap/heap_enter.h"
#include "heap/heap_visit.h"
#include "heap/magazine.h"
#include "heap/remote.h"
#include "heap/slab.h"
#include "heap/slab_give.h"
#include "heap/trim.h"
#include "os/os.h"
#include "pages/space.h"

enum { BLOCK = 208 };

/* Each test has its own, because slabs keep their heap. */
static struct heap heaps[16], *heap = heaps;

static unsigned class_used(void) { return size_class_of(BLOCK); }

/* Creates a slab whose slots are all used and written. */
static struct slab *full_slab(void) {
    struct slab *slab = slab_create(heap, class_used());
    char *zero = slab_slot_zero(slab);
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        if (slot_state_get(&slab->state[slot]) == SLOT_NONE) continue;
        slot_state_set(&slab->state[slot], SLOT_USED);
        memset(zero + slot * slab->slot_size, 1, slab->slot_size);
        slab->in_use++;
    }
    slab->reach = slab->slots;
    return slab;
}

static void free_elsewhere(struct slab *slab, uint32_t from, uint32_t to) {
    for (uint32_t slot = from; slot < to; slot++)
        if (slot_state_get(&slab->state[slot]) == SLOT_USED)
            assert_true(remote_free(slab, &slab->state[slot]));
}

/* Frees all slots but one. */
static void free_most(struct slab *slab) {
    free_elsewhere(slab, 0, slab->slots - 1);
    remote_collect_all(heap);
}

/* Runs all slices of a sweep. */
static void sweep_all(unsigned age, bool may_retire) {
    struct trim_sweep sweep = {.age = age, .may_retire = may_retire};
    size_t at = 0;
    while (!trim_slice(heap, &at, &sweep)) continue;
}

static void visit(void) {
    struct lock_hold hold;
    heap->busy = 0;
    assert_true(heap_visit_begin(heap, &hold));
    remote_collect_all(heap);
    sweep_all(AGE_NONE, false);
    heap_visit_end(heap, &hold);
    heap->busy = 1;
}

static unsigned count(const struct slab *slab, enum slot_state state) {
    unsigned n = 0;
    for (uint32_t slot = 0; slot < slab->slots; slot++)
        n += slot_state_get(&slab->state[slot]) == state;
    return n;
}

static void check_that_all_pages_go(void) {
    struct slab *slab = full_slab();
    const char *start = granule_start(slab_granule(slab));
    free_elsewhere(slab, 0, slab->slots);
    visit();
    for (size_t i = 0; i < GRANULE; i++) assert_int_equal(start[i], 0);
    assert_int_equal(count(slab, SLOT_FRESH), slab->capacity);
    assert_int_equal(slab->in_use, 0);
    assert_int_equal(slab->age, AGE_TRIMMED);
}

static void all_pages_of_a_freed_slab_go(void **state) {
    (void)state;
    for (int colour = 0; colour < 20; colour++) check_that_all_pages_go();
}

/* Returns how many slots fit on that many pages of the kernel, but at most the slab's capacity. */
static uint32_t on_pages(const struct slab *slab, uint32_t pages) {
    return (uint32_t)min_size(pages * os_page_size() / BLOCK, slab->capacity);
}

static void used_slots_stay(void **state) {
    (void)state;
    struct slab *slab = full_slab();
    uint32_t kept = slab->slots / 2;
    const char *block = slab_slot_zero(slab) + kept * slab->slot_size;
    free_elsewhere(slab, 0, kept);
    free_elsewhere(slab, kept + 1, slab->slots);
    visit();
    for (size_t i = 0; i < slab->slot_size; i++) assert_int_equal(block[i], 1);
    assert_int_equal(count(slab, SLOT_USED), 1);
    assert_in_range(count(slab, SLOT_FREE), 0, on_pages(slab, 2)); /* those on the same pages */
    assert_in_range(count(slab, SLOT_FRESH), slab->capacity - on_pages(slab, 3), slab->capacity);
}

/* The heap's thread may be about to free a slot of the slab for the second time. */
static void a_visitor_retires_no_slab(void **state) {
    (void)state;
    struct slab *slabs[EMPTY_SLABS + 8];
    for (unsigned i = 0; i < EMPTY_SLABS + 8; i++) {
        slabs[i] = full_slab();
        free_elsewhere(slabs[i], 0, slabs[i]->slots);
    }
    visit();
    for (unsigned i = 0; i < EMPTY_SLABS + 8; i++)
        assert_ptr_equal(atomic_load(&slabs[i]->owner), heap);
    sweep_all(AGE_OLD, true); /* the slab's owner may */
    for (unsigned i = 0; i < EMPTY_SLABS + 8; i++) assert_null(atomic_load(&slabs[i]->owner));
    assert_int_equal(heap->empties, 0);
}

static bool is_dirty(const struct slab *slab) { return count(slab, SLOT_FREE) > 0; }

static void pages_go_with_age(void **state) {
    (void)state;
    struct slab *slab = full_slab();
    free_most(slab);
    sweep_all(AGE_OLD, true);
    assert_true(is_dirty(slab));
    static struct magazine_entry array[16];
    heap->magazine[class_used()] = (struct magazine){array, array + 16};
    heap->bin[class_used()].entries = 16;
    slab_take(heap, slab, 1); /* the slab is used again */
    sweep_all(AGE_OLD, true);
    assert_true(is_dirty(slab));
    sweep_all(AGE_OLD, true);
    uint32_t fresh = count(slab, SLOT_FRESH);
    assert_in_range(fresh, slab->capacity - on_pages(slab, 4), slab->capacity);

    /* Slots that become free later go with the next sweep. Taking a slot makes the slab young
     * again. */
    heap->magazine[class_used()].top = array;
    slab_give(heap, &array[1], 1);
    assert_int_equal(slab->age, AGE_OLD);
    sweep_all(AGE_OLD, true);
    assert_int_equal(slab->age, AGE_TRIMMED);
    slab_take(heap, slab, 1);
    assert_int_equal(slab->age, AGE_NONE);
}

static void a_slice_is_bounded(void **state) {
    (void)state;
    enum { SLABS = 100 };
    for (unsigned i = 0; i < SLABS; i++) free_most(full_slab());
    struct trim_sweep sweep = {.age = AGE_NONE};
    size_t at = 0;
    unsigned slices = 1;
    while (!trim_slice(heap, &at, &sweep)) slices++;
    assert_in_range(slices, SLABS / 16, SLABS);
    assert_int_equal(sweep.some, os_page_size() < GRANULE);
}

/* ---- visits ---- */

static void a_busy_heap_is_not_visited(void **state) {
    (void)state;
    struct lock_hold hold, other;
    heap->busy = 1;
    assert_false(heap_visit_begin(heap, &hold));
    heap->busy = 0;
    assert_true(heap_visit_begin(heap, &hold));
    assert_false(heap_visit_begin(heap, &other)); /* not by two at once */
    heap_visit_end(heap, &hold);
    assert_true(heap_visit_begin(heap, &hold));
    heap_visit_end(heap, &hold);
}

static _Atomic int entered;
static struct heap *_Atomic others;

static void *enter_twice(void *go_on) {
    struct heap *own = heap_enter();
    heap_leave(own);
    atomic_store(&others, own);
    while (atomic_load((_Atomic int *)go_on) == 0) sched_yield();
    own = heap_enter();
    atomic_store(&entered, 1);
    heap_leave(own);
    return NULL;
}

static void a_thread_waits_for_the_visitor_of_its_heap(void **state) {
    (void)state;
    _Atomic int go_on = 0;
    struct lock_hold hold;
    pthread_t thread = start_thread(enter_twice, &go_on);
    while (atomic_load(&others) == NULL) sched_yield();
    assert_true(heap_visit_begin(others, &hold));
    atomic_store(&go_on, 1);
    nanosleep(&(struct timespec){0, 50 * 1000000}, NULL);
    assert_int_equal(atomic_load(&entered), 0);
    heap_visit_end(others, &hold);
    join_thread(thread);
    assert_int_equal(atomic_load(&entered), 1);
}

static void check_repaired(struct heap *own, struct slab *slab) {
    struct lock_hold hold;
    assert_ptr_equal(heap_enter(), own);
    assert_int_equal(slab->in_use, 0);
    heap_leave(own);
    assert_true(heap_visit_begin(own, &hold));
    heap_visit_end(own, &hold);
}

static struct heap *heap_with_slab(struct slab **slab) {
    struct heap *own = heap_enter();
    *slab = slab_create(own, class_used());
    heap_leave(own);
    return own;
}

struct visit {
    struct heap *heap;
    struct slab *slab;
};

/* Begins a visit and ends without ending it. */
static void *visit_and_end(void *argument) {
    struct visit *visit = argument;
    struct lock_hold hold;
    assert_true(heap_visit_begin(visit->heap, &hold));
    visit->slab->in_use = 7;
    return NULL;
}

static void the_heap_of_an_ended_visitor_is_repaired(void **state) {
    (void)state;
    struct visit visit;
    visit.heap = heap_with_slab(&visit.slab);
    run_in_thread(visit_and_end, &visit);
    check_repaired(visit.heap, visit.slab);
}

static void *visit_forever(void *argument) {
    struct visit *visit = argument;
    struct lock_hold hold;
    if (!heap_visit_begin(visit->heap, &hold)) return NULL;
    visit->slab->in_use = 7;
    atomic_store(&entered, 2);
    for (;;) pause();
}

/* In the child of a fork the visitor is gone, and its work is unfinished. */
static void the_heap_of_a_lost_visitor_is_repaired(void **state) {
    (void)state;
    struct visit visit;
    visit.heap = heap_with_slab(&visit.slab);
    start_thread(visit_forever, &visit);
    while (atomic_load(&entered) != 2) sched_yield();
    heap_after_fork();
    check_repaired(visit.heap, visit.slab);
}

static int new_heap(void **state) {
    (void)state;
    magazines_init(++heap);
    hold_heap(heap);
    return space_start() ? 0 : -1;
}

#define TEST(function) cmocka_unit_test_setup(function, new_heap)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_pages_of_a_freed_slab_go),
        TEST(used_slots_stay),
        TEST(a_visitor_retires_no_slab),
        TEST(pages_go_with_age),
        TEST(a_slice_is_bounded),
        TEST(a_busy_heap_is_not_visited),
        TEST(a_thread_waits_for_the_visitor_of_its_heap),
        TEST(the_heap_of_an_ended_visitor_is_repaired),
        TEST(the_heap_of_a_lost_visitor_is_repaired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
