/* Compares the memory of secrets with smaps: it is locked, not in dumps, not in children, and
 * between guard pages. 100,000 secrets fit into the limits. */
#include "unit.h"

#include "kinds.h"
#include "mallow/lock.h"

/* Copies the "VmFlags:" line of the mapping that contains the address, and its first line. */
static void read_mapping(const void *p, char *first, char *flags, size_t room) {
    char line[1024];
    unsigned long low, high;
    bool is_here = false;
    FILE *smaps = fopen("/proc/self/smaps", "r");
    assert_non_null(smaps);
    *first = *flags = '\0';
    while (fgets(line, sizeof line, smaps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &low, &high) == 2) {
            is_here = (uintptr_t)p >= low && (uintptr_t)p < high;
            if (is_here) snprintf(first, room, "%s", line);
        }
        if (is_here && strncmp(line, "VmFlags:", 8) == 0) snprintf(flags, room, "%s", line);
    }
    fclose(smaps);
}

static void expect_secret_mapping(const void *p) {
    char first[1024], flags[1024];
    read_mapping(p, first, flags, sizeof first);
    assert_non_null(strstr(flags, " lo"));
    assert_non_null(strstr(flags, " dd"));
    if (describe(p).memory == MALLOW_SECRET_LOCKED) {
        assert_non_null(strstr(flags, " wf"));
    } else {
        assert_non_null(strstr(flags, " dc"));
        assert_non_null(strstr(first, "secretmem"));
    }
    static const char *const permissions[] = {" ---", " r--", " rw-"};
    assert_non_null(strstr(first, permissions[describe(p).page_state]));
}

static void expect_guard(const void *p) {
    char first[1024], flags[1024];
    read_mapping(p, first, flags, sizeof first);
    assert_non_null(strstr(first, " ---p"));
    assert_null(strstr(flags, " lo"));
}

static void secrets_lie_between_guards(void **state) {
    (void)state;
    char *small[3], *own = mallow_secret_alloc(100, MALLOW_SECRET_OWN_PAGES);
    char *large = mallow_secret_alloc(5 * PAGE, 0);
    for (int i = 0; i < 3; i++) small[i] = mallow_secret_alloc(PAGE / 4, 0);
    char *all[] = {small[0], small[1], small[2], own, large};
    for (int i = 0; i < 5; i++) {
        char *page = (char *)((uintptr_t)all[i] / PAGE * PAGE);
        size_t pages = all[i] == large ? 5 : 1;
        expect_secret_mapping(all[i]);
        expect_guard(page - 1);
        expect_guard(page + pages * PAGE);
    }
    assert_int_equal((uintptr_t)large % PAGE, 0);
    assert_int_equal(mallow_secret_usage().locked, 7 * PAGE);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(mallow_secret_close(all[i], MALLOW_SECRET_WRITE), MALLOW_OK);
        assert_int_equal(mallow_secret_open(all[i], MALLOW_SECRET_READ), MALLOW_OK);
    }
    for (int i = 0; i < 5; i++) expect_secret_mapping(all[i]);
    for (int i = 0; i < 5; i++)
        assert_int_equal(mallow_secret_close(all[i], MALLOW_SECRET_READ), MALLOW_OK);
    for (int i = 0; i < 5; i++) expect_secret_mapping(all[i]);
    uint64_t locked = locked_bytes();
    for (int i = 0; i < 5; i++) assert_int_equal(mallow_secret_free(all[i]), MALLOW_OK);
    assert_int_equal(locked - locked_bytes(), 6 * PAGE); /* one page is kept */
    assert_int_equal(mallow_lock_count(large, 1), 0);
}

static size_t count_mappings(void) {
    size_t lines = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    for (int c; (c = getc(maps)) != EOF;) lines += c == '\n';
    fclose(maps);
    return lines;
}

enum { MANY = 100000, DEFAULT_LIMIT = 8 << 20 };

/* This is the last test: the limit remains. */
static void many_secrets_fit_into_the_limits(void **state) {
    (void)state;
    static unsigned char *secrets[MANY];
    struct mallow_lock_budget budget;
    assert_int_equal(mallow_lock_budget(&budget), MALLOW_OK);
    if (budget.available < MANY * 64) skip();
    if (budget.hard_limit >= DEFAULT_LIMIT) limit_locks(DEFAULT_LIMIT);
    size_t mappings = count_mappings();
    uint64_t locked = locked_bytes(), kept = mallow_secret_usage().locked;
    for (int i = 0; i < MANY; i++) {
        secrets[i] = mallow_secret_alloc(32, 0);
        assert_non_null(secrets[i]);
        memcpy(secrets[i], &i, sizeof i);
        memset(secrets[i] + sizeof i, i, 32 - sizeof i);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(mallow_secret_close(secrets[i], MALLOW_SECRET_WRITE), MALLOW_OK);
    struct mallow_secret_amounts usage = mallow_secret_usage();
    assert_int_equal(usage.secrets, MANY);
    assert_int_equal(usage.bytes, MANY * 32);
    assert_int_equal(usage.locked - kept, locked_bytes() - locked);
    assert_true(usage.locked <= MANY * 64);
    assert_true(count_mappings() - mappings < 10000);
    for (int i = 0; i < MANY; i += i < MANY - 300 ? 97 : 1) {
        int value;
        assert_int_equal(mallow_secret_open(secrets[i], MALLOW_SECRET_READ), MALLOW_OK);
        memcpy(&value, secrets[i], sizeof value);
        assert_int_equal(value, i);
        assert_int_equal(secrets[i][31], (unsigned char)i);
        assert_int_equal(mallow_secret_close(secrets[i], MALLOW_SECRET_READ), MALLOW_OK);
    }
    assert_int_equal(mallow_secret_free_all((void **)secrets, MANY), MALLOW_OK);
    assert_int_equal(mallow_secret_usage().secrets, 0);
    assert_int_equal(mallow_secret_usage().locked, PAGE);
    assert_true(count_mappings() - mappings < 200);
}

/* The program's locks of everything do not unlock secrets. */
static void secrets_stay_locked(void **state) {
    (void)state;
    struct mallow_lock_budget budget;
    assert_int_equal(mallow_lock_budget(&budget), MALLOW_OK);
    if (HAS_SHADOW || budget.available != UINT64_MAX) skip();
    char *p = mallow_secret_alloc(32, 0);
    assert_int_equal(mallow_secret_close(p, MALLOW_SECRET_WRITE), MALLOW_OK);
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_CURRENT), MALLOW_OK);
    assert_int_equal(mallow_unlock_all(), MALLOW_OK);
    expect_secret_mapping(p);
    assert_int_equal(mallow_secret_free(p), MALLOW_OK);
}

int main(int argc, char **argv) {
    choose_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_lie_between_guards),
        cmocka_unit_test(secrets_stay_locked),
        cmocka_unit_test(many_secrets_fit_into_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
