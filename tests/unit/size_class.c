/* Every size has the smallest size class that fits it. The classes are aligned and waste little. */
#include "unit.h"

#include "heap/size_class.h"

static void every_size_fits_the_smallest_class(void **state) {
    (void)state;
    assert_int_equal(class_of(0), CLASS_ZERO);
    for (size_t size = 1; size <= SLOT_MAX; size++) {
        unsigned class = class_of(size);
        assert_in_range(class, 1, CLASSES - 1);
        assert_true(class_size(class) >= size);
        if (class > 1) assert_true(class_size(class - 1) < size);
    }
}

static void classes_serve_their_own_size(void **state) {
    (void)state;
    for (unsigned class = 1; class < CLASSES; class ++)
        assert_int_equal(class_of(class_size(class)), class);
    assert_int_equal(class_size(CLASS_ZERO), UNIT);
    assert_int_equal(class_size(CLASSES - 1), SLOT_MAX);
    assert_int_equal(class_size(SHARED_CLASSES - 1), SHARED_MAX);
}

static void classes_ascend(void **state) {
    (void)state;
    for (unsigned class = 2; class < CLASSES; class ++)
        assert_true(class_size(class) > class_size(class - 1));
}

static void little_is_lost_to_rounding(void **state) {
    (void)state;
    for (size_t size = 1; size <= SLOT_MAX; size++) {
        size_t slot = class_size(class_of(size)), lost = slot - size;
        if (lost > 15 && lost * 9 > slot)
            fail_msg("%zu bytes lose %zu of a slot of %zu", size, lost, slot);
    }
}

static void slots_are_aligned(void **state) {
    (void)state;
    for (unsigned class = 0; class < CLASSES; class ++) {
        size_t alignment = class_alignment(class);
        assert_true(alignment >= UNIT);
        assert_int_equal(alignment & (alignment - 1), 0);
        assert_int_equal(class_size(class) % alignment, 0);
        assert_int_not_equal(class_size(class) / alignment % 2, 0);
    }
}

static void slabs_hold_eight_slots(void **state) {
    (void)state;
    for (unsigned class = 0; class < CLASSES; class ++)
        assert_true(class_granules(class) * GRANULE / class_size(class) >= 8);
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
