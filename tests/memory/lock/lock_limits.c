/* Locks that a limit prevents fail, name the limit, and leave everything as it was. */
#include "unit.h"

#include <errno.h>

#include "locked.h"
#include "mallow/arena.h"
#include "mallow/lock.h"

#define KIB(bytes) ((unsigned)((bytes) / 1024))

static bool has_text(enum mallow_result result, const char *expected) {
    const char *text = mallow_error_text(result);
    if (strcmp(text, expected) == 0) return true;
    fprintf(stderr, "the text is\n  %s\ninstead of\n  %s\n", text, expected);
    return false;
}

static void lock_more_than_allowed(void) {
    char *p = map_pages(12), text[256];
    limit_locks(8 * PAGE);
    HOLDS(mallow_lock(p, 6 * PAGE, 0) == MALLOW_OK);
    HOLDS(mallow_lock(p + 2 * PAGE, 10 * PAGE, 0) == MALLOW_AT_LIMIT);
    HOLDS(errno == ENOMEM);
    struct mallow_error e = mallow_last_error();
    HOLDS(e.limit == MALLOW_LIMIT_LOCKED_MEMORY && e.maximum == 8 * PAGE && e.used == 6 * PAGE);
    HOLDS(e.wanted == 6 * PAGE);
    snprintf(text, sizeof text,
             "mallow_lock: RLIMIT_MEMLOCK is %u KiB, %u KiB are locked, and %u KiB more are "
             "needed; CAP_IPC_LOCK is absent: raise it with ulimit -l or prlimit",
             KIB(8 * PAGE), KIB(6 * PAGE), KIB(6 * PAGE));
    HOLDS(has_text(MALLOW_AT_LIMIT, text));
    HOLDS(locked_bytes() == 6 * PAGE && !is_locked(p + 6 * PAGE));
    HOLDS(mallow_lock_count(p + 2 * PAGE, PAGE) == 1);
    HOLDS(mallow_lock(p, 8 * PAGE, 0) == MALLOW_OK); /* locked pages are not counted twice */
    HOLDS(mallow_unlock(p, 8 * PAGE) == MALLOW_OK && locked_bytes() == 6 * PAGE);
}
static void a_lock_over_the_limit_names_it(void **state) {
    (void)state;
    assert_true(holds_in_child(lock_more_than_allowed));
}

static void lock_without_allowance(void) {
    char *p = map_pages(1), text[256];
    limit_locks(0);
    HOLDS(mallow_lock(p, 1, 0) == MALLOW_AT_LIMIT && errno == EPERM);
    snprintf(text, sizeof text,
             "mallow_lock: RLIMIT_MEMLOCK is 0 KiB, 0 KiB are locked, and %u KiB more are needed; "
             "CAP_IPC_LOCK is absent: raise it with ulimit -l or prlimit",
             KIB(PAGE));
    HOLDS(has_text(MALLOW_AT_LIMIT, text));
    HOLDS(mallow_lock_all(MALLOW_LOCK_FUTURE) == MALLOW_AT_LIMIT && errno == EPERM);
}
static void a_limit_of_zero_is_named(void **state) {
    (void)state;
    assert_true(holds_in_child(lock_without_allowance));
}

static void lock_as_much_as_allowed(void) {
    char *p = map_pages(20);
    size_t locked;
    limit_locks(11 * PAGE);
    HOLDS(mallow_lock(p + 15 * PAGE, PAGE, 0) == MALLOW_OK);
    HOLDS(mallow_lock_best_effort(p + 1, 19 * PAGE, 0, &locked) == MALLOW_OK);
    HOLDS(locked == 10 * PAGE - 1 && locked_bytes() == 11 * PAGE);
    HOLDS(mallow_unlock(p + 1, locked) == MALLOW_OK && locked_bytes() == PAGE);
    HOLDS(mallow_lock_count(p + 15 * PAGE, PAGE) == 1);
    HOLDS(mallow_lock(p, 10 * PAGE, 0) == MALLOW_OK);
    HOLDS(mallow_lock_best_effort(p + 16 * PAGE, PAGE, 0, &locked) == MALLOW_OK && locked == 0);
}
static void best_effort_reports_how_much(void **state) {
    (void)state;
    assert_true(holds_in_child(lock_as_much_as_allowed));
}

static void lock_everything(void) {
    limit_locks(64 * PAGE);
    HOLDS(mallow_lock_all(MALLOW_LOCK_CURRENT) == MALLOW_AT_LIMIT && errno == ENOMEM);
    struct mallow_error e = mallow_last_error();
    HOLDS(e.limit == MALLOW_LIMIT_LOCKED_MEMORY && e.maximum == 64 * PAGE && e.used == 0);
    HOLDS(e.wanted > 64 * PAGE && strcmp(e.call, "mlockall") == 0);
    HOLDS(mallow_unlock_all() == MALLOW_NOT_LOCKED);

    /* New mappings count towards the limit, including those of arenas. */
    HOLDS(mallow_lock_all(MALLOW_LOCK_FUTURE) == MALLOW_OK);
    struct mallow_arena *arena = mallow_arena_create(NULL);
    HOLDS(arena == NULL || mallow_arena_alloc(arena, 1000 * PAGE) == NULL);
    HOLDS(errno == EAGAIN);
    HOLDS(mallow_last_error().limit == MALLOW_LIMIT_LOCKED_MEMORY);
    HOLDS(mallow_unlock_all() == MALLOW_OK);
}
static void everything_may_exceed_the_limit(void **state) {
    (void)state;
    assert_true(holds_in_child(lock_everything));
}

static void unlock_under_a_lowered_limit(void) {
    char *p = map_pages(8);
    HOLDS(mallow_lock(p, 8 * PAGE, 0) == MALLOW_OK);
    HOLDS(mallow_lock_all(MALLOW_LOCK_FUTURE) == MALLOW_OK);
    limit_locks(4 * PAGE);
    HOLDS(mallow_unlock_all() == MALLOW_AT_LIMIT && errno == ENOMEM);
    HOLDS(mallow_last_error().limit == MALLOW_LIMIT_LOCKED_MEMORY);
    HOLDS(mallow_last_error().wanted == 8 * PAGE);
    HOLDS(is_locked(p) && is_locked(p + 7 * PAGE));
    HOLDS(mallow_unlock(p, 4 * PAGE) == MALLOW_OK); /* still locked by lock_all */
    HOLDS(is_locked(p));
    HOLDS(mallow_unlock_all() == MALLOW_OK);
    HOLDS(!is_locked(p) && is_locked(p + 7 * PAGE) && locked_bytes() == 4 * PAGE);
}
static void memory_stays_locked_if_it_cannot_be_locked_again(void **state) {
    (void)state;
    struct mallow_lock_budget budget;
    mallow_lock_budget(&budget);
    if (HAS_SHADOW || budget.available < 64 * PAGE) skip();
    assert_true(holds_in_child(unlock_under_a_lowered_limit));
}

/* Divides memory into as many mappings as the process may have. Returns false if it may have too
 * many. */
static bool use_up_mappings(void) {
    unsigned long maximum = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    if (file == NULL || fscanf(file, "%lu", &maximum) != 1 || maximum > 200000) return false;
    fclose(file);
    char *p = mmap(NULL, (maximum + 2) * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return false;
    for (size_t i = 1; i < maximum; i += 2)
        if (mprotect(p + i * PAGE, PAGE, PROT_NONE) != 0) return errno == ENOMEM;
    return false;
}

static void lock_without_mappings(void) {
    char *p = map_pages(9), text[256];
    HOLDS(mallow_lock(p, 3 * PAGE, 0) == MALLOW_OK);
    if (!use_up_mappings()) return;
    HOLDS(mallow_lock(p + 5 * PAGE, PAGE, 0) == MALLOW_AT_LIMIT && errno == ENOMEM);
    struct mallow_error e = mallow_last_error();
    HOLDS(e.limit == MALLOW_LIMIT_MAPPINGS && strcmp(e.function, "mallow_lock") == 0);
    snprintf(text, sizeof text,
             "mallow_lock: vm.max_map_count is %u mappings, %u mappings are used, and 1 mappings "
             "more are needed: raise it with sysctl",
             (unsigned)e.maximum, (unsigned)e.used);
    HOLDS(has_text(MALLOW_AT_LIMIT, text));
    HOLDS(mallow_unlock(p + PAGE, PAGE) == MALLOW_AT_LIMIT && errno == ENOMEM);
    HOLDS(mallow_last_error().limit == MALLOW_LIMIT_MAPPINGS);
    HOLDS(strcmp(mallow_last_error().call, "munlock") == 0);
    HOLDS(mallow_lock_count(p, 3 * PAGE) == 1);
    HOLDS(mallow_unlock(p, 3 * PAGE) == MALLOW_OK && locked_bytes() == 0);
}
static void too_many_mappings_are_named(void **state) {
    (void)state;
    if (HAS_SHADOW) skip();
    assert_true(holds_in_child(lock_without_mappings));
}

static void read_a_small_budget(void) {
    struct mallow_lock_budget budget;
    char *p = map_pages(8);
    limit_locks(8 * PAGE);
    HOLDS(mallow_lock(p, 3 * PAGE, 0) == MALLOW_OK);
    HOLDS(mallow_lock_budget(&budget) == MALLOW_OK);
    HOLDS(!budget.is_privileged && budget.soft_limit == 8 * PAGE && budget.hard_limit == 8 * PAGE);
    HOLDS(budget.locked == 3 * PAGE && budget.available == 5 * PAGE);
    setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){2 * PAGE, 8 * PAGE});
    HOLDS(mallow_lock_budget(&budget) == MALLOW_OK);
    HOLDS(budget.soft_limit == 2 * PAGE && budget.hard_limit == 8 * PAGE && budget.available == 0);
}
static void the_budget_names_what_fits(void **state) {
    (void)state;
    assert_true(holds_in_child(read_a_small_budget));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_over_the_limit_names_it),
        cmocka_unit_test(a_limit_of_zero_is_named),
        cmocka_unit_test(best_effort_reports_how_much),
        cmocka_unit_test(everything_may_exceed_the_limit),
        cmocka_unit_test(memory_stays_locked_if_it_cannot_be_locked_again),
        cmocka_unit_test(too_many_mappings_are_named),
        cmocka_unit_test(the_budget_names_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
