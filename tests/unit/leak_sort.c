/* Sorting in place: every short list, and long ones with many equals. */
#include "unit.h"

#include <string.h>

#include "leak_sort.h"

struct element {
    unsigned key, number;
    char rest[LEAK_SORT_MAX - 2 * sizeof(unsigned)];
};

static bool is_smaller(const void *a, const void *b) {
    return ((const struct element *)a)->key < ((const struct element *)b)->key;
}

/* Sorted, and each number once. */
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
