/* The reciprocal finds the right slot for every slot size that a slab can have and for every offset
 * of a pointer into the slab. */
#include "unit.h"

#include "heap/reciprocal.h"
#include "heap/size_class.h"

static void check_all_offsets(size_t size) {
    uint64_t reciprocal = reciprocal_of(size);
    uint32_t slot = 0, inside = 0;
    for (uint32_t offset = 0; offset < GRANULE + size; offset++) {
        reciprocal_pair product = reciprocal_product(offset, reciprocal);
        if (reciprocal_slot(product) != slot ||
            reciprocal_is_start(product, reciprocal) != (inside == 0))
            fail_msg("offset %u is byte %u of slot %u of %zu bytes, not %s of slot %u", offset,
                     inside, slot, size,
                     reciprocal_is_start(product, reciprocal) ? "the start" : "the inside",
                     reciprocal_slot(product));
        if (++inside == size) inside = 0, slot++;
    }
}

static void multiples_of_the_unit(void **state) {
    (void)state;
    for (size_t size = UNIT; size <= SLOT_MAX; size += UNIT) check_all_offsets(size);
}

/* The test above covers every size class, because all their sizes are multiples of the unit. */
static void all_classes_are_multiples_of_the_unit(void **state) {
    (void)state;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        assert_int_equal(size_class_bytes(size_class) % UNIT, 0);
        assert_in_range(size_class_bytes(size_class), UNIT, SLOT_MAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiples_of_the_unit),
        cmocka_unit_test(all_classes_are_multiples_of_the_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
