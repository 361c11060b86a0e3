/* System calls that fail are errors, and leave all locks as they were. */
#include "unit.h"

#include <errno.h>

#include "base/kernel_lock.h"
#include "locked.h"
#include "mallow/lock.h"

/* The calls that fail, and their errno. */
static bool map_fails, wipe_fails, limits_fail_now, locked_fails;
static int lock_error, all_error;
static int unlocks_until_failure = -1;

void *__real_kernel_map(size_t bytes, const char *name);
void *__wrap_kernel_map(size_t bytes, const char *name) {
    if (!map_fails) return __real_kernel_map(bytes, name);
    errno = ENOMEM;
    return NULL;
}

bool __real_kernel_wipe_on_fork(void *p, size_t bytes);
bool __wrap_kernel_wipe_on_fork(void *p, size_t bytes) {
    if (!wipe_fails) return __real_kernel_wipe_on_fork(p, bytes);
    errno = EINVAL;
    return false;
}

bool __real_kernel_lock(uintptr_t low, uintptr_t high, bool on_fault);
bool __wrap_kernel_lock(uintptr_t low, uintptr_t high, bool on_fault) {
    if (lock_error == 0) return __real_kernel_lock(low, high, on_fault);
    errno = lock_error;
    return false;
}

/* The call that fails has no effect; the earlier calls have. */
bool __real_kernel_unlock(uintptr_t low, uintptr_t high);
bool __wrap_kernel_unlock(uintptr_t low, uintptr_t high) {
    if (unlocks_until_failure < 0 || unlocks_until_failure-- > 0)
        return __real_kernel_unlock(low, high);
    unlocks_until_failure = 0;
    errno = ENOMEM;
    return false;
}

bool __real_kernel_lock_all(int flags);
bool __wrap_kernel_lock_all(int flags) {
    if (all_error == 0) return true;
    (void)flags;
    errno = all_error;
    return false;
}

bool __real_kernel_lock_limits(struct kernel_lock_limits *limits);
bool __wrap_kernel_lock_limits(struct kernel_lock_limits *limits) {
    if (!limits_fail_now) return __real_kernel_lock_limits(limits);
    errno = EPERM;
    return false;
}

bool __real_kernel_locked(uint64_t *bytes);
bool __wrap_kernel_locked(uint64_t *bytes) {
    if (!locked_fails) return __real_kernel_locked(bytes);
    errno = ENOENT;
    return false;
}

/* This is the first test, so the library has no memory. */
static void the_first_call_may_fail(void **state) {
    (void)state;
    char *p = map_pages(1);
    map_fails = true;
    assert_int_equal(mallow_lock(p, 1, 0), MALLOW_NO_MEMORY);
    assert_string_equal(mallow_error_text(MALLOW_NO_MEMORY),
                        "mallow_lock: there is no memory: mmap: Cannot allocate memory");
    assert_int_equal(mallow_unlock(p, 1), MALLOW_NO_MEMORY);
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_CURRENT), MALLOW_NO_MEMORY);
    assert_int_equal(mallow_unlock_all(), MALLOW_NO_MEMORY);
    assert_int_equal(mallow_lock_count(p, 1), 0);
    size_t locked = 1;
    assert_int_equal(mallow_lock_best_effort(p, 1, 0, &locked), MALLOW_OK);
    assert_int_equal(locked, 0);
    map_fails = false;
    wipe_fails = true;
    assert_int_equal(mallow_lock(p, 1, 0), MALLOW_SYSTEM_ERROR);
    assert_int_equal(errno, EINVAL);
    wipe_fails = false;

    /* The counts are the second mapping. */
    assert_int_equal(mallow_unlock(p, 1), MALLOW_NOT_LOCKED);
    map_fails = true;
    assert_int_equal(mallow_lock(p, 1, 0), MALLOW_NO_MEMORY);
    map_fails = false;
    assert_int_equal(mallow_lock(p, 1, 0), MALLOW_OK);
    assert_int_equal(mallow_unlock(p, 1), MALLOW_OK);
    munmap(p, PAGE);
}

static void each_reason_has_its_result(void **state) {
    (void)state;
    const struct {
        int error;
        enum mallow_result result;
        int reported;
        const char *text;
    } reasons[] = {
        {EAGAIN, MALLOW_NO_MEMORY, EAGAIN,
         "mallow_lock: there is no memory: mlock: Resource temporarily unavailable"},
        {EPERM, MALLOW_DENIED, EPERM,
         "mallow_lock: a permission is missing: mlock: Operation not permitted"},
        {ENOMEM, MALLOW_DENIED, EACCES,
         "mallow_lock: a permission is missing: mlock: Permission denied"},
        {ENOSYS, MALLOW_SYSTEM_ERROR, ENOSYS,
         "mallow_lock: a system call failed: mlock: Function not implemented"},
    };
    char *p = map_pages(1);
    limits_fail_now = true; /* otherwise, the limit may be the reason */
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        lock_error = reasons[i].error;
        assert_int_equal(mallow_lock(p, 1, 0), reasons[i].result);
        assert_int_equal(errno, reasons[i].reported);
        assert_string_equal(mallow_error_text(reasons[i].result), reasons[i].text);
        assert_int_equal(mallow_lock_count(p, 1), 0);
    }
    lock_error = 0;
    all_error = EPERM;
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_FUTURE), MALLOW_DENIED);
    assert_string_equal(mallow_error_text(MALLOW_DENIED),
                        "mallow_lock_all: a permission is missing: mlockall: Operation not "
                        "permitted");
    all_error = ENOSYS;
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_FUTURE), MALLOW_SYSTEM_ERROR);
    all_error = 0;
    limits_fail_now = false;
    assert_int_equal(mallow_unlock_all(), MALLOW_NOT_LOCKED);
    munmap(p, PAGE);
}

static void a_failed_unlock_changes_nothing(void **state) {
    (void)state;
    char *p = map_pages(8);
    assert_int_equal(mallow_lock(p, 8 * PAGE, 0), MALLOW_OK);
    assert_int_equal(mallow_lock(p + 3 * PAGE, PAGE, 0), MALLOW_OK);
    for (int n = 0; n < 2; n++) { /* pages 0 to 2 and 4 to 7 are unlocked */
        unlocks_until_failure = n;
        assert_int_equal(mallow_unlock(p, 8 * PAGE), MALLOW_NO_MEMORY);
        assert_int_equal(errno, ENOMEM);
        unlocks_until_failure = -1;
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(mallow_lock_count(p + i * PAGE, 1), i == 3 ? 2 : 1);
            assert_true(is_locked(p + i * PAGE));
        }
    }
    assert_int_equal(mallow_unlock(p, 8 * PAGE), MALLOW_OK);
    assert_int_equal(mallow_unlock(p + 3 * PAGE, PAGE), MALLOW_OK);
    munmap(p, 8 * PAGE);
}

static void a_lock_of_everything_stays_if_ranges_would_not(void **state) {
    (void)state;
    char *p = map_pages(1);
    assert_int_equal(mallow_lock(p, PAGE, 0), MALLOW_OK);
    assert_int_equal(mallow_lock_all(MALLOW_LOCK_CURRENT), MALLOW_OK);
    lock_error = EAGAIN;
    assert_int_equal(mallow_unlock_all(), MALLOW_SYSTEM_ERROR);
    assert_int_equal(errno, EAGAIN);
    lock_error = 0;
    assert_int_equal(mallow_unlock_all(), MALLOW_OK);
    assert_true(is_locked(p));
    assert_int_equal(mallow_unlock(p, PAGE), MALLOW_OK);
    munmap(p, PAGE);
}

static void the_budget_may_be_unreadable(void **state) {
    (void)state;
    struct mallow_lock_budget budget = {.locked = 77};
    limits_fail_now = true;
    assert_int_equal(mallow_lock_budget(&budget), MALLOW_SYSTEM_ERROR);
    assert_string_equal(mallow_error_text(MALLOW_SYSTEM_ERROR),
                        "mallow_lock_budget: a system call failed: prlimit: Operation not "
                        "permitted");
    limits_fail_now = false;
    locked_fails = true;
    assert_int_equal(mallow_lock_budget(&budget), MALLOW_SYSTEM_ERROR);
    assert_string_equal(mallow_error_text(MALLOW_SYSTEM_ERROR),
                        "mallow_lock_budget: a system call failed: read of /proc/self/status: No "
                        "such file or directory");
    locked_fails = false;
    assert_int_equal(budget.locked, 77);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_call_may_fail),
        cmocka_unit_test(each_reason_has_its_result),
        cmocka_unit_test(a_failed_unlock_changes_nothing),
        cmocka_unit_test(a_lock_of_everything_stays_if_ranges_would_not),
        cmocka_unit_test(the_budget_may_be_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
