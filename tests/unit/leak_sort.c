/* leak_sort sorts short and long lists in place, also with many equal keys, and leak_find_range
 * finds the first range that ends after an address. */
#include "unit.h"

#include <string.h>

#include "leak/leak_sort.h"

struct element {
    unsigned key, number;
    char rest[LEAK_SORT_MAX - 2 * sizeof(unsigned)];
};

static bool is_smaller(const void *a, const void *b) {
    return ((const struct element *)a)->key < ((const struct element *)b)->key;
}

/* Checks that the list is sorted and has each number once. */
static void assert_sorted(const struct element *list, size_t count) {
    static unsigned char seen[1000];
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || list[i - 1].key <= list[i].key);
        assert_int_equal(seen[list[i].number]++, 0);
        assert_int_equal(list[i].rest[0], (char)list[i].number);
    }
}

static void fill(struct element *list, size_t count, unsigned keys, unsigned long *seed) {
    for (size_t i = 0; i < count; i++) {
        *seed = *seed * 6364136223846793005ul + 1442695040888963407ul;
        list[i] = (struct element){.key = (unsigned)(*seed >> 33) % keys, .number = (unsigned)i};
        list[i].rest[0] = (char)i;
    }
}

static void lists_are_sorted(void **state) {
    (void)state;
    static struct element list[1000];
    unsigned long seed = 1;
    for (size_t count = 0; count <= 1000; count += count < 20 ? 1 : 140) {
        for (unsigned keys = 1; keys <= 4096; keys *= 4) {
            fill(list, count, keys, &seed);
            leak_sort(list, count, sizeof *list, is_smaller);
            assert_sorted(list, count);
        }
    }
}

/* The ranges are [4i + 1, 4i + 3), except that the last but one ends where the last begins. */
static void the_next_range_is_found(void **state) {
    (void)state;
    struct {
        uintptr_t start, end;
        char rest;
    } list[20];
    for (size_t count = 0; count <= 20; count++) {
        for (size_t i = 0; i < count; i++) {
            list[i].start = 4 * i + 1;
            list[i].end = i + 2 == count ? 4 * i + 5 : 4 * i + 3;
        }
        for (uintptr_t address = 0; address < 90; address++) {
            size_t expected = 0;
            while (expected < count && list[expected].end <= address) expected++;
            assert_int_equal(leak_find_range(list, count, sizeof *list, address), expected);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_sorted),
        cmocka_unit_test(the_next_range_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
