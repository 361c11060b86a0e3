/* What a visitor returns of slots that others freed, and what it leaves as it is. */
#include "unit.h"

#include <string.h>

#include "magazine.h"
#include "os.h"
#include "remote.h"
#include "slab.h"
#include "start.h"
#include "trim.h"

enum { BLOCK = 208 };

static struct heap heap;

static unsigned class_used(void) { return class_of(BLOCK); }

/* A slab of which all slots are used, and written. */
static struct slab *full_slab(void) {
    struct slab *slab = slab_create(&heap, class_used());
    char *zero = slab_slot_zero(slab);
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        if (state_get(&slab->state[slot]) == SLOT_NONE) continue;
        state_set(&slab->state[slot], SLOT_USED);
        memset(zero + slot * slab->slot_size, 1, slab->slot_size);
        slab->outside++;
    }
    slab->reach = slab->slots;
    return slab;
}

static void free_elsewhere(struct slab *slab, uint32_t from, uint32_t to) {
    for (uint32_t slot = from; slot < to; slot++)
        if (state_get(&slab->state[slot]) == SLOT_USED)
            assert_true(remote_free(slab, &slab->state[slot]));
}

static size_t visit(void) {
    assert_true(heap_visit_begin(&heap));
    size_t pages = trim_remote(&heap, SIZE_MAX);
    heap_visit_end(&heap);
    return pages;
}

static unsigned count(const struct slab *slab, enum slot_state state) {
    unsigned n = 0;
    for (uint32_t slot = 0; slot < slab->slots; slot++) n += state_get(&slab->state[slot]) == state;
    return n;
}

static void check_that_all_pages_go(void) {
    struct slab *slab = full_slab();
    const char *start = granule_start(slab_granule(slab));
    free_elsewhere(slab, 0, slab->slots);
    assert_int_equal(visit(), GRANULE_PAGES);
    for (size_t i = 0; i < GRANULE; i++) assert_int_equal(start[i], 0);
    assert_int_equal(count(slab, SLOT_REMOTE), slab->capacity);
    assert_int_equal(visit(), 0); /* not twice */

    assert_true(remote_collect(&heap, class_used())); /* and the owner finds it */
    assert_int_equal(count(slab, SLOT_FREE), slab->capacity);
    assert_int_equal(slab->outside, 0);
}

static void all_pages_of_a_freed_slab_go(void **state) {
    (void)state;
    for (int colour = 0; colour < 20; colour++) check_that_all_pages_go();
}

static void what_is_used_stays(void **state) {
    (void)state;
    struct slab *slab = full_slab();
    uint32_t kept = slab->slots / 2;
    const char *block = slab_slot_zero(slab) + kept * slab->slot_size;
    free_elsewhere(slab, 0, kept);
    free_elsewhere(slab, kept + 1, slab->slots);
    size_t pages = visit();
    size_t unit = os_page_size() / RUN_PAGE; /* some of them are split between slots */
    assert_in_range(pages, GRANULE_PAGES - min_size(3 * unit, GRANULE_PAGES), GRANULE_PAGES - unit);
    for (size_t i = 0; i < slab->slot_size; i++) assert_int_equal(block[i], 1);
    assert_int_equal(count(slab, SLOT_USED), 1);
    assert_int_equal(count(slab, SLOT_REMOTE), slab->capacity - 1);
}

/* Pushed late: its slab was collected meanwhile, and retired. */
static void a_stale_descriptor_is_dropped(void **state) {
    (void)state;
    struct slab *slab = full_slab();
    free_elsewhere(slab, 0, slab->slots);
    struct slab *pushed = remote_borrow(&heap, class_used());
    assert_ptr_equal(pushed, slab);
    atomic_store(&slab->pending, 0);
    slab_harvest(&heap, slab);
    while (slab_retire_empty(&heap)) continue;
    assert_null(atomic_load(&slab->owner));
    atomic_store(&slab->pending, 1);
    slab->next_pending = NULL;
    atomic_store(&heap.pending[class_used()], slab);
    assert_int_equal(visit(), 0);
    assert_null(atomic_load(&heap.pending[class_used()]));
    assert_int_equal(atomic_load(&slab->pending), 0);
}

static void a_visit_and_a_collection_exclude_each_other(void **state) {
    (void)state;
    struct slab *slab = full_slab();
    free_elsewhere(slab, 0, slab->slots);
    assert_true(heap_visit_begin(&heap));
    assert_false(heap_visit_begin(&heap));
    assert_false(remote_collect(&heap, class_used()));
    heap_visit_end(&heap);

    assert_true(heap_close(&heap));
    assert_false(heap_visit_begin(&heap));
    heap_open(&heap);
    assert_true(heap_visit_begin(&heap));
    heap_visit_end(&heap);
    assert_true(remote_collect(&heap, class_used()));
    assert_true(heap_visit_begin(&heap)); /* it is open again */
    heap_visit_end(&heap);
}

static int new_heap(void **state) {
    (void)state;
    memset(&heap, 0, sizeof(heap));
    magazines_init(&heap);
    return start() ? 0 : -1;
}

#define TEST(function) cmocka_unit_test_setup(function, new_heap)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_pages_of_a_freed_slab_go),
        TEST(what_is_used_stays),
        TEST(a_stale_descriptor_is_dropped),
        TEST(a_visit_and_a_collection_exclude_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
