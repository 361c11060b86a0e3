/* A table finds each of its entries, with memory and without, and can be rebuilt from them. */
#include "unit.h"

#include <limits.h>
#include <stdbool.h>

#include "failing_os.h"
#include "profile/profile_table.h"
#include "random.h"

struct entry {
    struct table_link link;
    uint64_t key;
};

#define KEYS 30000u

static char *chunks[TABLE_CHUNKS];
static struct table table = {.entry_bytes = sizeof(struct entry), .chunks = chunks};
static bool present[KEYS];
static unsigned count;

static uint32_t find(uint64_t key) {
    uint32_t n = table_first(&table, table_hash(key));
    while (n != 0 && ((struct entry *)table_at(&table, n))->key != key) n = table_next(&table, n);
    return n;
}

static bool add(uint64_t key) {
    uint32_t n = table_take(&table);
    if (n == 0) return false;
    ((struct entry *)table_at(&table, n))->key = key;
    table_insert(&table, n, table_hash(key));
    present[key] = true;
    count++;
    return true;
}

static void check_all(void) {
    assert_int_equal(table.count, count);
    for (uint64_t key = 0; key < KEYS; key++) assert_int_equal(find(key) != 0, present[key]);
}

static void change(uint64_t *random, unsigned changes) {
    for (unsigned i = 0; i < changes; i++) {
        uint64_t key = random_below(random, KEYS);
        if (present[key]) {
            table_remove(&table, find(key));
            present[key] = false;
            count--;
        } else {
            add(key);
        }
    }
}

static void entries_are_found(void **state) {
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 10; i++) {
        change(&random, 10000);
        check_all();
    }
    assert_in_range(table.high, count, KEYS);
}

static void an_index_can_be_rebuilt(void **state) {
    (void)state;
    uint64_t random = 2;
    for (uint32_t i = 0; i <= table.mask; i++) table.index[i] = 7;
    table.free = table.count = 3;
    table_repair(&table);
    check_all();
    change(&random, 50000);
    check_all();
}

static void entries_are_found_without_memory(void **state) {
    (void)state;
    static char *other_chunks[TABLE_CHUNKS];
    struct table before = table;
    table = (struct table){.entry_bytes = sizeof(struct entry), .chunks = other_chunks};
    for (unsigned i = 0; i < KEYS; i++) present[i] = false;
    count = 0;
    os_fail(OS_MAP, 1, LONG_MAX);
    assert_false(add(1));
    os_fail(OS_MAP, 1, 0);
    assert_true(add(1));
    os_fail(OS_MAP, 1, LONG_MAX);
    uint64_t key = 2;
    while (add(key)) key++;
    assert_in_range(key, 2000, 5000);
    check_all();
    os_fail(OS_MAP, 1, 0);
    assert_true(add(key));
    check_all();
    table = before;
}

static void a_cleared_table_is_empty(void **state) {
    (void)state;
    table_clear(&table);
    for (unsigned i = 0; i < KEYS; i++) present[i] = false;
    count = 0;
    check_all();
    uint32_t high = table.high;
    assert_true(add(5));
    assert_int_equal(table.high, high);
    check_all();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found),
        cmocka_unit_test(an_index_can_be_rebuilt),
        cmocka_unit_test(a_cleared_table_is_empty),
        cmocka_unit_test(entries_are_found_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
