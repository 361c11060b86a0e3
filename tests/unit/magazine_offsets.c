/* The ways in which malloc finds a magazine agree with the size classes. */
#include "unit.h"

#include "heap/fast.h"

static void every_size_finds_its_magazine(void **state) {
    (void)state;
    for (size_t size = 0; size <= TINY_MAX; size++)
        assert_ptr_equal(fast_magazine(size), &self_heap->magazine[size_class_of(size)]);
    for (size_t size = 0; size <= SLOT_MAX; size++)
        assert_ptr_equal(fast_magazine_any(size), &self_heap->magazine[size_class_of(size)]);
}

/* A thread's first allocation finds no slot, whatever its size, and takes the slow path. */
static void all_magazines_are_empty_before_the_first_allocation(void **state) {
    (void)state;
    assert_ptr_equal(self_heap, EMPTY_HEAP);
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        assert_null(fast_take(&self_heap->magazine[size_class]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_finds_its_magazine),
        cmocka_unit_test(all_magazines_are_empty_before_the_first_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
