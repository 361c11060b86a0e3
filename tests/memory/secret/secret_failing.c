/* Each system call may fail: the program gets an error, nothing changes, and no secret is left
 * without protection. */
#include "unit.h"

#include "base/kernel_lock.h"
#include "kinds.h"

static int calls_until_failure = -1; /* if negative, none fails */
static int failed_calls, failure_errno = ENOMEM;
static size_t lost_bytes;

static bool fails(void) {
    if (calls_until_failure < 0 || calls_until_failure-- > 0) return false;
    failed_calls++;
    errno = failure_errno;
    return true;
}

#define WRAP(type, name, parameters, arguments) \
    type __real_##name parameters;              \
    type __wrap_##name parameters;              \
    type __wrap_##name parameters { return fails() ? (type)0 : __real_##name arguments; }

WRAP(void *, kernel_map, (size_t bytes, const char *name), (bytes, name))
WRAP(void *, kernel_fence, (size_t bytes), (bytes))
/* Counts the memory that then stays locked, or that is left by a failure. */
bool __real_kernel_fence_again(void *p, size_t bytes);
bool __wrap_kernel_fence_again(void *p, size_t bytes);
bool __wrap_kernel_fence_again(void *p, size_t bytes) {
    if (!fails()) return __real_kernel_fence_again(p, bytes);
    lost_bytes += bytes;
    return false;
}

WRAP(bool, kernel_map_private, (void *p, size_t bytes), (p, bytes))
WRAP(bool, kernel_omit_from_dump, (void *p, size_t bytes), (p, bytes))
WRAP(bool, kernel_omit_from_fork, (void *p, size_t bytes), (p, bytes))
WRAP(bool, kernel_wipe_on_fork, (void *p, size_t bytes), (p, bytes))
WRAP(bool, kernel_guard, (void *p, size_t bytes, int protection), (p, bytes, protection))
WRAP(bool, kernel_fill_random, (void *p, size_t bytes), (p, bytes))
WRAP(bool, kernel_lock, (uintptr_t low, uintptr_t high, bool on_fault), (low, high, on_fault))

/* Returns true if the call succeeded. If it failed, the details must describe the failure. */
static bool is_ok(enum mallow_result result) {
    if (result == MALLOW_OK) return true;
    assert_int_equal(result, mallow_last_error().result);
    assert_int_equal(errno, mallow_last_error().error);
    assert_non_null(mallow_last_error().call);
    return false;
}

/* Opens and closes a secret and checks that a failure changes nothing. */
static void open_and_close(char *p) {
    struct mallow_secret_description before = describe(p), after;
    bool is_open = is_ok(mallow_secret_open(p, MALLOW_SECRET_READ));
    after = describe(p);
    assert_int_equal(after.readers, before.readers + is_open);
    if (!is_open) {
        assert_int_equal(after.page_state, before.page_state);
        return;
    }
    assert_int_equal(p[0], 'k');
    while (!is_ok(mallow_secret_close(p, MALLOW_SECRET_READ))) assert_int_equal(p[0], 'k');
}

static void use_secret(size_t bytes, unsigned flags) {
    uint64_t secrets = mallow_secret_usage().secrets, locked = mallow_secret_usage().locked;
    char *p = mallow_secret_alloc(bytes, flags);
    if (p == NULL) {
        assert_false(is_ok(mallow_last_error().result));
        assert_int_equal(mallow_secret_usage().secrets, secrets);
        assert_int_equal(mallow_secret_usage().locked, locked);
        return;
    }
    assert_int_equal(p[0], 0);
    assert_true(is_locked(p));
    assert_true(page_has_flag(p, "dd"));
    assert_true(page_has_flag(p, describe(p).memory == MALLOW_SECRET_LOCKED ? "wf" : "dc"));
    memset(p, 'k', bytes);
    while (!is_ok(mallow_secret_close(p, MALLOW_SECRET_WRITE)))
        assert_int_equal(describe(p).writers, 1);
    open_and_close(p);
    while (!is_ok(mallow_secret_free(p))) assert_int_equal(describe(p).bytes, bytes);
    assert_int_equal(mallow_secret_free(p), MALLOW_NOT_SECRET);
    assert_int_equal(mallow_secret_usage().secrets, secrets);
}

static void use_secrets(void) {
    use_secret(20, 0);
    use_secret(32, MALLOW_SECRET_OWN_PAGES);
    use_secret(2 * PAGE, 0);
    use_secret(200, 0);
    use_secret(20, 0);
}

static void each_call_may_fail(void **state) {
    (void)state;
    for (int n = 0;; n++) {
        failed_calls = 0;
        calls_until_failure = n;
        use_secrets();
        if (failed_calls == 0) break;
        calls_until_failure = -1;
        use_secrets();
        assert_int_equal(mallow_secret_usage().secrets, 0);
        assert_int_equal(mallow_secret_usage().locked, locked_bytes());
        assert_in_range(mallow_secret_usage().locked, 0, PAGE + lost_bytes);
    }
    calls_until_failure = -1;
    assert_true(lost_bytes != 0);
}

static void the_reasons_are_named(void **state) {
    (void)state;
    char *p = mallow_secret_alloc(32, MALLOW_SECRET_OWN_PAGES);
    assert_int_equal(mallow_secret_close(p, MALLOW_SECRET_WRITE), MALLOW_OK);
    failure_errno = EACCES;
    calls_until_failure = 0;
    assert_int_equal(mallow_secret_open(p, MALLOW_SECRET_READ), MALLOW_SYSTEM_ERROR);
    assert_string_equal(mallow_error_text(MALLOW_SYSTEM_ERROR),
                        "mallow_secret_open: a system call failed: mprotect: Permission denied");
    calls_until_failure = 0;
    assert_int_equal(mallow_secret_free(p), MALLOW_SYSTEM_ERROR);
    assert_string_equal(mallow_error_text(MALLOW_SYSTEM_ERROR),
                        "mallow_secret_free: a system call failed: mprotect: Permission denied");
    calls_until_failure = 0;
    assert_false(mallow_secret_equal(p, "x", 1));
    assert_int_equal(describe(p).readers, 0);
    assert_int_equal(mallow_secret_free(p), MALLOW_OK);
    failure_errno = ENOMEM;
}

/* This is the first test, so there are no canaries. */
static void there_may_be_no_randomness(void **state) {
    (void)state;
    failure_errno = ENOSYS;
    calls_until_failure = 0;
    assert_null(mallow_secret_alloc(32, 0));
    assert_int_equal(errno, ENOSYS);
    assert_string_equal(mallow_error_text(MALLOW_SYSTEM_ERROR),
                        "mallow_secret_alloc: a system call failed: getrandom: Function not "
                        "implemented");
    failure_errno = ENOMEM;
}

int main(int argc, char **argv) {
    choose_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_may_be_no_randomness),
        cmocka_unit_test(each_call_may_fail),
        cmocka_unit_test(the_reasons_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
