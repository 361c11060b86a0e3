/* Every size has the smallest size class that fits it. The classes are aligned and waste little. */
#include "unit.h"

#include "heap/size_class.h"

static void every_size_fits_the_smallest_class(void **state) {
    (void)state;
    assert_int_equal(size_class_of(0), CLASS_ZERO);
    for (size_t size = 1; size <= SLOT_MAX; size++) {
        unsigned size_class = size_class_of(size);
        assert_in_range(size_class, 1, CLASSES - 1);
        assert_true(size_class_bytes(size_class) >= size);
        if (size_class > 1) assert_true(size_class_bytes(size_class - 1) < size);
    }
}

static void classes_serve_their_own_size(void **state) {
    (void)state;
    for (unsigned size_class = 1; size_class < CLASSES; size_class++)
        assert_int_equal(size_class_of(size_class_bytes(size_class)), size_class);
    assert_int_equal(size_class_bytes(CLASS_ZERO), UNIT);
    assert_int_equal(size_class_bytes(CLASSES - 1), SLOT_MAX);
    assert_int_equal(size_class_bytes(SHARED_CLASSES - 1), SHARED_MAX);
}

static void classes_ascend(void **state) {
    (void)state;
    for (unsigned size_class = 2; size_class < CLASSES; size_class++)
        assert_true(size_class_bytes(size_class) > size_class_bytes(size_class - 1));
}

static void little_is_lost_to_rounding(void **state) {
    (void)state;
    for (size_t size = 1; size <= SLOT_MAX; size++) {
        size_t slot = size_class_bytes(size_class_of(size)), lost = slot - size;
        if (lost > 15 && lost * 9 > slot)
            fail_msg("%zu bytes lose %zu of a slot of %zu", size, lost, slot);
    }
}

static void slots_are_aligned(void **state) {
    (void)state;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        size_t alignment = size_class_alignment(size_class);
        assert_true(alignment >= UNIT);
        assert_int_equal(alignment & (alignment - 1), 0);
        assert_int_equal(size_class_bytes(size_class) % alignment, 0);
        assert_int_not_equal(size_class_bytes(size_class) / alignment % 2, 0);
    }
}

static void slabs_hold_eight_slots(void **state) {
    (void)state;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        assert_true(size_class_granules(size_class) * GRANULE / size_class_bytes(size_class) >= 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_fits_the_smallest_class),
        cmocka_unit_test(classes_serve_their_own_size),
        cmocka_unit_test(classes_ascend),
        cmocka_unit_test(little_is_lost_to_rounding),
        cmocka_unit_test(slots_are_aligned),
        cmocka_unit_test(slabs_hold_eight_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
