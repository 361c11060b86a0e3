/* Slots that are freed while the magazine is full stay in their slab until their heap, or a
 * visitor, makes them available. */
#include "held.h"
#include "unit.h"

#include <string.h>

#include "heap/heap_visit.h"
#include "heap/magazine.h"
#include "heap/overflow.h"
#include "heap/slab.h"
#include "heap/slab_available.h"
#include "heap/trim.h"
#include "pages/space.h"

enum { BLOCK = 208, LARGE_BLOCK = 20000 };

/* Each test has its own, because slabs keep their heap. */
static struct heap heaps[32], *heap = heaps;

static struct slab *full_slab(size_t size) {
    struct slab *slab = slab_create(heap, size_class_of(size));
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        if (slot_state_get(&slab->state[slot]) == SLOT_NONE) continue;
        slot_state_set(&slab->state[slot], SLOT_USED);
        slab->in_use++;
    }
    slab->reach = slab->slots;
    slab->scan = slab->slots;
    heap->bin[slab->size_class].partial = NULL;
    slab->listed = false;
    return slab;
}

/* Frees up to `count` used slots on the slow path, and returns their number. */
static uint32_t overflow(struct slab *slab, uint32_t count) {
    uint32_t freed = 0;
    for (uint32_t slot = 0; slot < slab->slots && freed < count; slot++)
        if (slot_state_get(&slab->state[slot]) == SLOT_USED) {
            overflow_add(heap, slab, &slab->state[slot]);
            freed++;
        }
    return freed;
}

static bool is_listed(const struct slab *slab) {
    for (uint32_t granule = heap->overflow[slab->size_class]; granule != 0;
         granule = slab_of(granule)->next_overflow)
        if (slab_of(granule) == slab) return true;
    return false;
}

static void slots_stay_in_the_slab_until_they_are_collected(void **state) {
    (void)state;
    struct slab *slab = full_slab(BLOCK);
    uint32_t before = slab->in_use;
    assert_int_equal(overflow(slab, 20), 20);
    assert_true(slab->overflowed && is_listed(slab));
    assert_int_equal(slab->in_use, before);
    overflow_collect(heap, slab->size_class);
    assert_false(slab->overflowed || is_listed(slab));
    assert_int_equal(slab->in_use, before - 20);
    assert_ptr_equal(heap->bin[slab->size_class].partial, slab);
}

static void every_granule_has_the_mark(void **state) {
    (void)state;
    struct slab *slab = full_slab(LARGE_BLOCK);
    unsigned granules = size_class_granules(slab->size_class);
    assert_true(granules > 1);
    overflow(slab, 1);
    for (unsigned i = 0; i < granules; i++) assert_true(slab_part(slab, i)->overflowed);
    overflow_collect_all(heap);
    for (unsigned i = 0; i < granules; i++) assert_false(slab_part(slab, i)->overflowed);
}

/* The fast path frees into marked slabs of its own thread, and takes a slow path at times. */
static void the_fast_path_takes_a_slow_path_at_times(void **state) {
    (void)state;
    struct slab *slab = full_slab(BLOCK);
    uint32_t first = slab->slots - slab->capacity, slow = 0;
    self_heap = heap;
    assert_false(overflow_free(slab, &slab->state[first])); /* no mark yet */
    overflow(slab, 1);
    heap->overflows = 0;
    for (uint32_t i = 1; i <= 2 * OVERFLOW_LOOK; i++) {
        _Atomic uint8_t *each = &slab->state[first + i];
        if (overflow_free(slab, each)) {
            assert_int_equal(slot_state_get(each), SLOT_REMOTE);
        } else {
            assert_int_equal(slot_state_get(each), SLOT_USED);
            overflow_add(heap, slab, each);
            slow++;
        }
    }
    self_heap = EMPTY_HEAP;
    assert_int_equal(slow, 2);
    overflow_collect_all(heap);
    assert_int_equal(slab->in_use, slab->capacity - 1 - 2 * OVERFLOW_LOOK);
}

static void collecting_stops_at_the_first_slab_that_serves(void **state) {
    (void)state;
    struct slab *a = full_slab(BLOCK), *b = full_slab(BLOCK);
    overflow(a, 1);
    overflow(b, 1);
    overflow_collect(heap, a->size_class);
    assert_true(a->overflowed);
    assert_false(b->overflowed); /* the last to get a slot is the first to be used */
    overflow_collect_all(heap);
    assert_false(a->overflowed);
}

static void a_visitor_makes_slots_available_and_keeps_the_mark(void **state) {
    (void)state;
    struct slab *slab = full_slab(BLOCK);
    struct lock_hold hold;
    overflow(slab, 20);
    uint32_t before = slab->in_use;
    heap->busy = 0;
    assert_true(heap_visit_begin(heap, &hold));
    struct trim_sweep sweep = {.age = AGE_NONE, .may_retire = false};
    size_t at = 0;
    while (!trim_slice(heap, &at, &sweep)) continue;
    heap_visit_end(heap, &hold);
    heap->busy = 1;
    assert_int_equal(slab->in_use, before - 20);
    assert_true(slab->overflowed && is_listed(slab));
    overflow_collect_all(heap); /* finds nothing more */
    assert_int_equal(slab->in_use, before - 20);
}

/* A visitor may empty a slab that still has its mark. */
static void a_slab_that_retires_leaves_the_list(void **state) {
    (void)state;
    struct slab *first = full_slab(BLOCK), *slab = full_slab(BLOCK), *last = full_slab(BLOCK);
    overflow(first, 1);
    overflow(slab, UINT32_MAX);
    overflow(last, 1);
    slab_harvest(heap, slab);
    assert_int_equal(slab->in_use, 0);
    assert_true(is_listed(slab));
    while (slab_retire_empty(heap)) continue;
    assert_false(slab->overflowed);
    assert_true(is_listed(first) && is_listed(last));
    for (uint32_t granule = heap->overflow[size_class_of(BLOCK)]; granule != 0;
         granule = slab_of(granule)->next_overflow)
        assert_ptr_not_equal(slab_of(granule), slab);
}

static int new_heap(void **state) {
    (void)state;
    heap++;
    magazines_init(heap);
    hold_heap(heap);
    return space_start() ? 0 : -1;
}

#define TEST(function) cmocka_unit_test_setup(function, new_heap)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(slots_stay_in_the_slab_until_they_are_collected),
        TEST(every_granule_has_the_mark),
        TEST(the_fast_path_takes_a_slow_path_at_times),
        TEST(collecting_stops_at_the_first_slab_that_serves),
        TEST(a_visitor_makes_slots_available_and_keeps_the_mark),
        TEST(a_slab_that_retires_leaves_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
