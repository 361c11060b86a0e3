/* Counted locks agree with smaps and with VmLck. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>

#include "locked.h"
#include "mallow/lock.h"

static void skip_unless_all_can_be_locked(void) {
    struct mallow_lock_budget budget;
    assert_int_equal(mallow_lock_budget(&budget), MALLOW_OK);
    if (HAS_SHADOW || budget.available != UINT64_MAX) skip();
}

static void expect_locked(const char *p, const char *expected) {
    bool flags[16];
    pages_with_flag(p, strlen(expected), "lo", flags);
    for (size_t i = 0; expected[i] != '\0'; i++) assert_int_equal(flags[i], expected[i] == 'L');
}

static void overlapping_locks_do_not_undo_each_other(void **state) {
    (void)state;
    char *p = map_pages(6);
    uint64_t before = locked_bytes();
    assert_int_equal(mallow_lock(p + 100, 3 * PAGE - 200, 0), MALLOW_OK);
    expect_locked(p, "LLL___");
    assert_int_equal(mallow_lock(p + 3 * PAGE - 1, 2, 0), MALLOW_OK);
    expect_locked(p, "LLLL__");
    assert_int_equal(locked_bytes() - before, 4 * PAGE);
    assert_int_equal(mallow_lock_count(p, 1), 1);
    assert_int_equal(mallow_lock_count(p + 2 * PAGE, 1), 2);
    assert_int_equal(mallow_lock_count(p, 4 * PAGE), 1);
    assert_int_equal(mallow_lock_count(p, 4 * PAGE + 1), 0);
    assert_int_equal(mallow_unlock(p, 3 * PAGE), MALLOW_OK);
    expect_locked(p, "__LL__");
    assert_int_equal(mallow_unlock(p + 2 * PAGE, 2 * PAGE), MALLOW_OK);
    expect_locked(p, "______");
    assert_int_equal(locked_bytes(), before);
    munmap(p, 6 * PAGE);
}

static void an_unlock_of_unlocked_memory_changes_nothing(void **state) {
    (void)state;
    char *p = map_pages(4);
    assert_int_equal(mallow_lock(p, PAGE, 0), MALLOW_OK);
    assert_int_equal(mallow_lock(p + 2 * PAGE, PAGE, 0), MALLOW_OK);
    errno = 0;
    assert_int_equal(mallow_unlock(p, 3 * PAGE), MALLOW_NOT_LOCKED);
    assert_int_equal(errno, EINVAL);
    assert_string_equal(mallow_error_text(MALLOW_NOT_LOCKED),
                        "mallow_unlock: the library has not locked all of the memory");
    assert_int_equal(mallow_unlock(p + PAGE, 1), MALLOW_NOT_LOCKED);
    expect_locked(p, "L_L_");
    assert_int_equal(mallow_lock_count(p, PAGE), 1);
    assert_int_equal(mallow_unlock(p, PAGE), MALLOW_OK);
    assert_int_equal(mallow_unlock(p, PAGE), MALLOW_NOT_LOCKED);
    assert_int_equal(mallow_unlock(p + 2 * PAGE, PAGE), MALLOW_OK);
    munmap(p, 4 * PAGE);
}

static void bad_arguments_are_errors(void **state) {
    (void)state;
    char *p = map_pages(1);
    size_t locked = 77;
    errno = 0;
    assert_int_equal(mallow_lock(NULL, 0, 0), MALLOW_OK);
    assert_int_equal(mallow_lock((void *)1, 0, MALLOW_LOCK_ON_FAULT), MALLOW_OK);
    assert_int_equal(mallow_unlock(NULL, 0), MALLOW_OK);
    assert_int_equal(mallow_lock_count(NULL, 0), 0);
    assert_int_equal(mallow_lock_count(NULL, 1), 0);
    assert_int_equal(mallow_lock_count(p, SIZE_MAX), 0);
    assert_int_equal(errno, 0);
    assert_int_equal(mallow_lock(NULL, 1, 0), MALLOW_BAD_ARGUMENT);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(mallow_unlock(NULL, 1), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_lock(p, SIZE_MAX, 0), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_lock(p, SIZE_MAX - (uintptr_t)p, 0), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_unlock(p, SIZE_MAX), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_lock(p, 0, 2), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_lock(p, 1, 8), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_lock_best_effort(p, 1, 0, NULL), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_lock_best_effort(p, 1, 2, &locked), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_lock_best_effort(NULL, 1, 0, &locked), MALLOW_BAD_ARGUMENT);
    assert_int_equal(locked, 77);
    assert_int_equal(mallow_lock_best_effort(NULL, 0, 0, &locked), MALLOW_OK);
    assert_int_equal(locked, 0);
    assert_int_equal(mallow_lock_all(0), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_ON_FAULT), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_lock_all(8 | MALLOW_LOCK_CURRENT), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_unlock_all(), MALLOW_NOT_LOCKED);
    assert_int_equal(mallow_lock_budget(NULL), MALLOW_BAD_ARGUMENT);
    assert_false(is_locked(p));
    munmap(p, PAGE);
}

static size_t resident_pages(char *p, size_t pages) {
    unsigned char resident[64];
    size_t count = 0;
    assert_int_equal(mincore(p, pages * PAGE, resident), 0);
    for (size_t i = 0; i < pages; i++) count += resident[i] & 1;
    return count;
}

static void a_lock_on_fault_waits_for_the_access(void **state) {
    (void)state;
    char *p = map_pages(8);
    assert_int_equal(mallow_lock(p, 4 * PAGE, MALLOW_LOCK_ON_FAULT), MALLOW_OK);
    assert_int_equal(resident_pages(p, 8), 0);
    expect_locked(p, "LLLL____");
    p[PAGE] = 1;
    assert_int_equal(resident_pages(p, 8), 1);
    assert_int_equal(mallow_lock(p + 2 * PAGE, 4 * PAGE, 0), MALLOW_OK);
    assert_int_equal(resident_pages(p, 8), 5);
    assert_int_equal(mallow_unlock(p, 4 * PAGE), MALLOW_OK);
    assert_int_equal(mallow_unlock(p + 2 * PAGE, 4 * PAGE), MALLOW_OK);
    expect_locked(p, "________");
    munmap(p, 8 * PAGE);
}

static void a_failed_lock_changes_nothing(void **state) {
    (void)state;
    char *p = map_pages(6);
    size_t locked;
    uint64_t before = locked_bytes();
    munmap(p + 4 * PAGE, PAGE);
    assert_int_equal(mallow_lock(p + PAGE, PAGE, 0), MALLOW_OK);
    assert_int_equal(mallow_lock(p, 6 * PAGE, 0), MALLOW_NOT_MAPPED);
    assert_int_equal(errno, ENOMEM);
    assert_string_equal(
        mallow_error_text(MALLOW_NOT_MAPPED),
        "mallow_lock: part of the range is not mapped: mlock: Cannot allocate memory");
    expect_locked(p, "_L____");
    assert_int_equal(mallow_lock(p, 6 * PAGE, MALLOW_LOCK_ON_FAULT), MALLOW_NOT_MAPPED);
    expect_locked(p, "_L____");
    assert_int_equal(locked_bytes() - before, PAGE);
    assert_int_equal(mallow_lock_count(p + PAGE, PAGE), 1);
    errno = 0;
    assert_int_equal(mallow_lock_best_effort(p + 1, 6 * PAGE, 0, &locked), MALLOW_OK);
    assert_int_equal(errno, 0);
    assert_int_equal(locked, 4 * PAGE - 1);
    expect_locked(p, "LLLL__");
    assert_int_equal(mallow_unlock(p + 1, locked), MALLOW_OK);
    expect_locked(p, "_L____");
    assert_int_equal(mallow_unlock(p + PAGE, PAGE), MALLOW_OK);
    munmap(p, 6 * PAGE);
}

static void inaccessible_memory_cannot_be_locked(void **state) {
    (void)state;
    char *p = map_pages(3);
    mprotect(p + PAGE, PAGE, PROT_NONE);
    assert_int_equal(mallow_lock(p, 3 * PAGE, 0), MALLOW_DENIED);
    assert_int_equal(errno, EACCES);
    assert_string_equal(mallow_error_text(MALLOW_DENIED),
                        "mallow_lock: a permission is missing: mlock: Permission denied");
    expect_locked(p, "___");
    munmap(p, 3 * PAGE);
}

static void best_effort_locks_everything_if_it_can(void **state) {
    (void)state;
    char *p = map_pages(7);
    size_t locked;
    for (size_t pages = 1; pages <= 7; pages++) {
        assert_int_equal(mallow_lock_best_effort(p, pages * PAGE - 5, 0, &locked), MALLOW_OK);
        assert_int_equal(locked, pages * PAGE - 5);
        assert_int_equal(mallow_lock_count(p, locked), 1);
        assert_int_equal(mallow_unlock(p, locked), MALLOW_OK);
    }
    munmap(p, 7 * PAGE);
}

static void new_memory_at_an_old_address(void **state) {
    (void)state;
    char *p = map_pages(4);
    assert_int_equal(mallow_lock(p, 4 * PAGE, 0), MALLOW_OK);
    mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    expect_locked(p, "L_LL");
    assert_int_equal(mallow_lock(p + PAGE, PAGE, 0), MALLOW_OK);
    expect_locked(p, "LLLL");
    assert_int_equal(mallow_unlock(p + PAGE, PAGE), MALLOW_OK);
    munmap(p + PAGE, PAGE);
    errno = 0;
    assert_int_equal(mallow_unlock(p, 4 * PAGE), MALLOW_OK);
    assert_int_equal(errno, 0);
    expect_locked(p, "____");
    assert_int_equal(mallow_unlock(p, PAGE), MALLOW_NOT_LOCKED);
    munmap(p, 4 * PAGE);
}

static void everything_is_counted(void **state) {
    (void)state;
    skip_unless_all_can_be_locked();
    char *p = map_pages(4);
    assert_int_equal(mallow_lock(p, PAGE, 0), MALLOW_OK);
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_CURRENT), MALLOW_OK);
    expect_locked(p, "LLLL");
    assert_int_equal(mallow_lock_count(p, 4 * PAGE), 0);
    char *later = map_pages(1);
    assert_false(is_locked(later));
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_FUTURE), MALLOW_OK);
    assert_false(is_locked(later));
    char *future = map_pages(1);
    assert_true(is_locked(future));

    /* The second lock, of the present mappings, leaves the flag for future mappings on. */
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_CURRENT), MALLOW_OK);
    char *still_future = map_pages(1);
    assert_true(is_locked(still_future));

    assert_int_equal(mallow_lock(p + PAGE, PAGE, 0), MALLOW_OK);
    assert_int_equal(mallow_lock(p + 2 * PAGE, PAGE, MALLOW_LOCK_ON_FAULT), MALLOW_OK);
    assert_int_equal(mallow_unlock(p, PAGE), MALLOW_OK);
    expect_locked(p, "LLLL");
    assert_int_equal(mallow_unlock_all(), MALLOW_OK);
    assert_int_equal(mallow_unlock_all(), MALLOW_OK);
    expect_locked(p, "LLLL");
    assert_int_equal(mallow_unlock_all(), MALLOW_OK);
    expect_locked(p, "_LL_");
    assert_false(page_has_flag(p + PAGE, "lf"));
    assert_true(page_has_flag(p + 2 * PAGE, "lf"));
    assert_int_equal(locked_bytes(), 2 * PAGE);
    assert_int_equal(mallow_unlock_all(), MALLOW_NOT_LOCKED);
    assert_int_equal(mallow_unlock(p + PAGE, 2 * PAGE), MALLOW_OK);
    munmap(p, 4 * PAGE);
    munmap(later, PAGE);
    munmap(future, PAGE);
    munmap(still_future, PAGE);
}

static void the_strongest_lock_of_everything_counts(void **state) {
    (void)state;
    skip_unless_all_can_be_locked();
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_FUTURE | MALLOW_LOCK_ON_FAULT), MALLOW_OK);
    char *lazy = map_pages(2);
    assert_int_equal(resident_pages(lazy, 2), 0);
    assert_true(is_locked(lazy));
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_FUTURE), MALLOW_OK);
    char *eager = map_pages(2);
    assert_int_equal(resident_pages(eager, 2), 2);
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_FUTURE | MALLOW_LOCK_ON_FAULT), MALLOW_OK);
    char *still_eager = map_pages(2);
    assert_int_equal(resident_pages(still_eager, 2), 2);
    for (int i = 0; i < 3; i++) assert_int_equal(mallow_unlock_all(), MALLOW_OK);
    assert_false(is_locked(eager));
    munmap(lazy, 2 * PAGE);
    munmap(eager, 2 * PAGE);
    munmap(still_eager, 2 * PAGE);
}

/* Secrets are locked and inaccessible. */
static void inaccessible_ranges_are_locked_again(void **state) {
    (void)state;
    skip_unless_all_can_be_locked();
    char *p = map_pages(3);
    assert_int_equal(mallow_lock(p, 3 * PAGE, 0), MALLOW_OK);
    mprotect(p + PAGE, PAGE, PROT_NONE);
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_CURRENT), MALLOW_OK);
    assert_int_equal(mallow_unlock_all(), MALLOW_OK);
    expect_locked(p, "LLL");
    munmap(p + 2 * PAGE, PAGE);
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_CURRENT), MALLOW_OK);
    assert_int_equal(mallow_unlock_all(), MALLOW_OK);
    expect_locked(p, "LL");
    assert_int_equal(mallow_unlock(p, 3 * PAGE), MALLOW_OK);
    munmap(p, 2 * PAGE);
}

static char *shared_with_child;

static void child_has_no_locks(void) {
    char *p = shared_with_child;
    HOLDS(locked_bytes() == 0);
    HOLDS(mallow_lock_count(p, PAGE) == 0);
    HOLDS(mallow_unlock(p, PAGE) == MALLOW_NOT_LOCKED);
    HOLDS(mallow_unlock_all() == MALLOW_NOT_LOCKED);
    HOLDS(mallow_lock(p, 2 * PAGE, 0) == MALLOW_OK);
    HOLDS(mallow_lock_count(p, 2 * PAGE) == 1);
    HOLDS(locked_bytes() == 2 * PAGE);
    HOLDS(mallow_unlock(p, PAGE) == MALLOW_OK);
    HOLDS(locked_bytes() == PAGE);
}

static void a_child_starts_without_locks(void **state) {
    (void)state;
    char *p = shared_with_child = map_pages(2);
    struct mallow_lock_budget budget;
    mallow_lock_budget(&budget);
    bool all = !HAS_SHADOW && budget.available == UINT64_MAX;
    assert_int_equal(mallow_lock(p, PAGE, 0), MALLOW_OK);
    if (all) assert_int_equal(mallow_lock_all(MALLOW_LOCK_CURRENT), MALLOW_OK);
    assert_true(holds_in_child(child_has_no_locks));
    assert_int_equal(mallow_lock_count(p, PAGE), 1);
    if (all) assert_int_equal(mallow_unlock_all(), MALLOW_OK);
    expect_locked(p, "L_");
    assert_int_equal(mallow_unlock(p, PAGE), MALLOW_OK);
    munmap(p, 2 * PAGE);
}

/* The first call of the library can be made in a child. */
static void a_child_may_be_the_first(void **state) {
    (void)state;
    shared_with_child = map_pages(2);
    assert_true(holds_in_child(child_has_no_locks));
    assert_false(is_locked(shared_with_child));
    assert_int_equal(mallow_lock_count(shared_with_child, PAGE), 0);
    munmap(shared_with_child, 2 * PAGE);
}

static char *common_pages;

static void *lock_at_random(void *seed) {
    uint64_t random = (uint64_t)(uintptr_t)seed * 0x9e3779b97f4a7c15;
    for (int i = 0; i < 3000; i++) {
        random = random * 6364136223846793005 + 1442695040888963407;
        size_t first = (random >> 40) % 8, count = 1 + (random >> 50) % (8 - first);
        char *p = common_pages + first * PAGE;
        if (mallow_lock(p, count * PAGE, 0) != MALLOW_OK ||
            mallow_lock_count(p, count * PAGE) == 0 || mallow_unlock(p, count * PAGE) != MALLOW_OK)
            return seed;
    }
    return NULL;
}

static void lock_and_unlock_in_child(void) {
    HOLDS(lock_at_random((void *)9) == NULL);
    HOLDS(mallow_lock_count(common_pages, PAGE) == 0);
}

/* Some of the children are created while a thread is in a function of the library. */
static void threads_and_children_share_pages(void **state) {
    (void)state;
    pthread_t threads[3];
    common_pages = map_pages(8);
    uint64_t before = locked_bytes();
    for (uintptr_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, lock_at_random, (void *)(i + 1)), 0);
    for (int i = 0; i < 10; i++) assert_true(holds_in_child(lock_and_unlock_in_child));
    for (int i = 0; i < 3; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(locked_bytes(), before);
    assert_int_equal(mallow_lock_count(common_pages, 1), 0);
    munmap(common_pages, 8 * PAGE);
}

static void the_budget_agrees_with_the_kernel(void **state) {
    (void)state;
    struct mallow_lock_budget before, after;
    struct rlimit limit;
    char *p = map_pages(3);
    errno = 0;
    assert_int_equal(mallow_lock_budget(&before), MALLOW_OK);
    assert_int_equal(errno, 0);
    getrlimit(RLIMIT_MEMLOCK, &limit);
    assert_int_equal(before.soft_limit, limit.rlim_cur);
    assert_int_equal(before.hard_limit, limit.rlim_max);
    assert_int_equal(before.locked, locked_bytes());
    assert_int_equal(mallow_lock(p, 3 * PAGE, 0), MALLOW_OK);
    assert_int_equal(mallow_lock_budget(&after), MALLOW_OK);
    assert_int_equal(after.locked - before.locked, 3 * PAGE);
    if (before.available != UINT64_MAX)
        assert_int_equal(before.available - after.available, 3 * PAGE);
    assert_int_equal(mallow_unlock(p, 3 * PAGE), MALLOW_OK);
    munmap(p, 3 * PAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_may_be_the_first),
        cmocka_unit_test(overlapping_locks_do_not_undo_each_other),
        cmocka_unit_test(an_unlock_of_unlocked_memory_changes_nothing),
        cmocka_unit_test(bad_arguments_are_errors),
        cmocka_unit_test(a_lock_on_fault_waits_for_the_access),
        cmocka_unit_test(a_failed_lock_changes_nothing),
        cmocka_unit_test(inaccessible_memory_cannot_be_locked),
        cmocka_unit_test(best_effort_locks_everything_if_it_can),
        cmocka_unit_test(new_memory_at_an_old_address),
        cmocka_unit_test(everything_is_counted),
        cmocka_unit_test(the_strongest_lock_of_everything_counts),
        cmocka_unit_test(inaccessible_ranges_are_locked_again),
        cmocka_unit_test(a_child_starts_without_locks),
        cmocka_unit_test(threads_and_children_share_pages),
        cmocka_unit_test(the_budget_agrees_with_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
