/* Every address in a slab finds its slot, and every slot has a record of its own. */
#include "unit.h"

#include <string.h>

#include "base/settings.h"
#include "check/record.h"
#include "heap/heap.h"
#include "heap/heap_enter.h"
#include "heap/size_class.h"
#include "pages/meta.h"
#include "random.h"

static uint64_t seed = 1;

static struct slab *new_slab(unsigned size_class) {
    struct heap *heap = heap_enter();
    assert_non_null(heap);
    struct slab *slab = slab_create(heap, size_class);
    heap_leave(heap);
    assert_non_null(slab);
    return slab;
}

static bool is_slot(const struct slab *slab, uint32_t slot) {
    return slot < slab->slots && slot_state_get(&slab->state[slot]) != SLOT_NONE;
}

static void check_place(struct slab *slab, uint32_t slot, const char *p) {
    struct slot_ref ref;
    char *start = slab_slot_zero(slab) + (size_t)slot * slab->slot_size;
    if (!is_slot(slab, slot)) {
        assert_false(slot_ref_find(p, &ref));
        return;
    }
    assert_true(slot_ref_find(p, &ref));
    assert_ptr_equal(ref.slab, slab);
    assert_int_equal(ref.slot, slot);
    assert_ptr_equal(ref.start, start);
    assert_int_equal(ref.bytes, slab->slot_size);
    assert_ptr_equal(ref.state, &slab->state[slot]);
}

/* Checks the first, the last and some other bytes of every slot, in each granule of the slab, and
 * of the space at both ends. */
static void check_slab(struct slab *slab) {
    char *first = granule_start(slab_granule(slab)), *zero = slab_slot_zero(slab);
    char *end = first + size_class_granules(slab->size_class) * GRANULE;
    uint32_t slots = (uint32_t)((size_t)(end - zero) / slab->slot_size) + 1;
    for (uint32_t slot = 0; slot < slots; slot++) {
        char *start = zero + (size_t)slot * slab->slot_size;
        char *points[] = {start, start + 1, start + slab->slot_size / 2,
                          start + random_below(&seed, slab->slot_size),
                          start + slab->slot_size - 1};
        for (int i = 0; i < 5; i++)
            if (points[i] >= first && points[i] < end) check_place(slab, slot, points[i]);
    }
}

static void every_address_of_a_slab_has_its_place(void **state) {
    (void)state;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        if (size_class == CLASS_ZERO) continue;
        check_slab(new_slab(size_class));
        check_slab(new_slab(size_class)); /* with another colour */
    }
}

/* With check=hard a slab ends before its last granule does. */
static void every_address_of_a_slab_with_a_guard_has_its_place(void **state) {
    (void)state;
    settings.check = CHECK_HARD;
    for (unsigned size_class = 1; size_class < CLASSES; size_class++)
        check_slab(new_slab(size_class));
    settings.check = CHECK_FREE;
}

static void other_addresses_have_no_place(void **state) {
    (void)state;
    static int data;
    struct slot_ref ref;
    char *past = granule_start(space.granules);
    const void *addresses[] = {NULL,
                               &data,
                               &ref,
                               space.base,
                               space.base - 1,
                               past - 1,
                               past,
                               space.meta_part.start,
                               (void *)UINTPTR_MAX};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        assert_false(slot_ref_find(addresses[i], &ref));
}

static void a_retired_slab_has_no_place(void **state) {
    (void)state;
    struct heap *heap = heap_enter();
    struct slab *slab = slab_create(heap, size_class_of(500));
    struct slot_ref ref;
    char *middle = granule_start(slab_granule(slab)) + GRANULE / 2;
    assert_true(slot_ref_find(middle, &ref));
    assert_true(record_make_array(slab));
    assert_true(slab_retire_old(heap, slab));
    assert_false(slot_ref_find(middle, &ref));
    assert_null(slab->records);
    heap_leave(heap);
}

/* Each slot has a record of its own, which is zero at first and keeps its content. */
static void every_slot_has_records_of_its_own(void **state) {
    (void)state;
    for (unsigned size_class = 1; size_class < CLASSES; size_class += 7) {
        struct slab *slab = new_slab(size_class);
        assert_null(slab->records);
        assert_true(record_make_array(slab));
        struct record *records = slab->records;
        static const struct record no_record;
        struct slot_ref ref = {.slab = slab};
        for (ref.slot = 0; ref.slot < slab->slots; ref.slot++) {
            assert_memory_equal(record_of(&ref), &no_record, sizeof no_record);
        }
        for (ref.slot = 0; ref.slot < slab->slots; ref.slot++) {
            memset(record_of(&ref), (int)ref.slot, sizeof no_record);
        }
        assert_true(record_make_array(slab));
        assert_ptr_equal(slab->records, records);
        for (ref.slot = 0; ref.slot < slab->slots; ref.slot++) {
            uint8_t of_record[sizeof no_record];
            memset(of_record, (int)ref.slot, sizeof of_record);
            assert_memory_equal(record_of(&ref), of_record, sizeof of_record);
        }
    }
}

/* The memory of a slab's records serves the next slab, and is zero again. */
static void records_are_freed_with_the_slab(void **state) {
    (void)state;
    size_t used = 0;
    for (int i = 0; i < 100; i++) {
        struct slab *slab = new_slab(size_class_of(100));
        assert_true(record_make_array(slab));
        struct slot_ref ref = {.slab = slab, .slot = slab->slots - 1};
        assert_int_equal(record_of(&ref)->size, 0);
        assert_int_equal(record_of(&ref)->freed_by, 0);
        record_of(&ref)->size = 1;
        record_of(&ref)->freed_by = 1;
        struct heap *heap = heap_enter();
        assert_true(slab_retire_old(heap, slab));
        heap_leave(heap);
        if (i == 10) used = meta_bytes_used();
    }
    assert_int_equal(meta_bytes_used(), used);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_address_of_a_slab_has_its_place),
        cmocka_unit_test(every_address_of_a_slab_with_a_guard_has_its_place),
        cmocka_unit_test(other_addresses_have_no_place),
        cmocka_unit_test(a_retired_slab_has_no_place),
        cmocka_unit_test(every_slot_has_records_of_its_own),
        cmocka_unit_test(records_are_freed_with_the_slab),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
