/* If the kernel refuses memory, the program gets an error that names the limit, or the other kind
 * of memory. */
#include "unit.h"

#include <stdlib.h>

#include "../../support/seccomp.h"
#include "kinds.h"

#define KIB(bytes) ((unsigned)((bytes) / 1024))

static bool has_text(const char *expected) {
    const char *text = mallow_error_text(mallow_last_error().result);
    if (strcmp(text, expected) == 0) return true;
    fprintf(stderr, "the text is\n  %s\ninstead of\n  %s\n", text, expected);
    return false;
}

static void reach_the_limit(void) {
    static char *secrets[10000];
    char text[256];
    size_t count = 0, fit = 2 * ((PAGE - 16) / 48);
    limit_locks(2 * PAGE);
    for (; (secrets[count] = mallow_secret_alloc(32, 0)) != NULL; count++)
        if (count > fit) break;
    HOLDS(count == fit && errno == ENOMEM);
    struct mallow_error e = mallow_last_error();
    HOLDS(e.result == MALLOW_AT_LIMIT && e.limit == MALLOW_LIMIT_LOCKED_MEMORY);
    snprintf(text, sizeof text,
             "mallow_secret_alloc: RLIMIT_MEMLOCK is %u KiB, %u KiB are locked, and %u KiB more "
             "are needed; CAP_IPC_LOCK is absent: raise it with ulimit -l or prlimit",
             KIB(2 * PAGE), KIB(2 * PAGE), KIB(PAGE));
    HOLDS(has_text(text));
    HOLDS(mallow_secret_alloc(5 * PAGE, 0) == NULL && errno == ENOMEM);
    HOLDS(mallow_secret_usage().secrets == fit && mallow_secret_usage().locked == 2 * PAGE);
    for (size_t i = 0; i < fit; i++) HOLDS(mallow_secret_free(secrets[i]) == MALLOW_OK);
    HOLDS(locked_bytes() == PAGE);
    HOLDS(mallow_secret_alloc(32, 0) != NULL);
}
static void the_lock_limit_is_named(void **state) {
    (void)state;
    assert_true(holds_in_child(reach_the_limit));
}

static void have_no_allowance(void) {
    limit_locks(0);
    HOLDS(mallow_secret_alloc(32, 0) == NULL && errno == EPERM);
    HOLDS(mallow_last_error().result == MALLOW_AT_LIMIT);
    HOLDS(mallow_last_error().limit == MALLOW_LIMIT_LOCKED_MEMORY);
}
static void a_lock_limit_of_zero_is_named(void **state) {
    (void)state;
    assert_true(holds_in_child(have_no_allowance));
}

static void have_no_addresses(void) {
    struct rlimit limit = {1 << 20, RLIM_INFINITY};
    HOLDS(mallow_secret_free(mallow_secret_alloc(32, 0)) == MALLOW_OK);
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = 1 << 20;
    setrlimit(RLIMIT_AS, &limit);
    HOLDS(mallow_secret_alloc(16 << 20, 0) == NULL && errno == ENOMEM);
    HOLDS(mallow_last_error().limit == MALLOW_LIMIT_ADDRESS_SPACE);
    HOLDS(mallow_secret_alloc(32, 0) != NULL); /* it fits into a page that exists */
}
static void the_address_limit_is_named(void **state) {
    (void)state;
    if (HAS_SHADOW) skip();
    assert_true(holds_in_child(have_no_addresses));
}

static void refuse_secret_memory(void) {
    HOLDS(filter_call(447, SECCOMP_RET_ERRNO | EPERM)); /* memfd_secret */
    char *p = mallow_secret_alloc(32, 0), *q = mallow_secret_alloc(9000, 0);
    HOLDS(p != NULL && q != NULL);
    HOLDS(describe(p).memory == MALLOW_SECRET_LOCKED && describe(q).memory == MALLOW_SECRET_LOCKED);
    HOLDS(is_locked(p) && is_locked(q));
}
static void locked_memory_is_used_instead(void **state) {
    (void)state;
    assert_true(holds_in_child(refuse_secret_memory));
}

static void refuse_locks(void) {
    HOLDS(filter_call(447, SECCOMP_RET_ERRNO | ENOSYS));
    HOLDS(filter_call(SYS_mlock, SECCOMP_RET_ERRNO | EPERM));
    HOLDS(mallow_secret_alloc(32, 0) == NULL && errno == EPERM);
    HOLDS(mallow_last_error().result == MALLOW_DENIED);
    HOLDS(has_text("mallow_secret_alloc: a permission is missing: mlock: Operation not permitted"));
    HOLDS(mallow_secret_usage().secrets == 0 && mallow_secret_usage().locked == 0);
}
static void nothing_stays_unlocked(void **state) {
    (void)state;
    assert_true(holds_in_child(refuse_locks));
}

int main(int argc, char **argv) {
    choose_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lock_limit_is_named),
        cmocka_unit_test(a_lock_limit_of_zero_is_named),
        cmocka_unit_test(the_address_limit_is_named),
        cmocka_unit_test(locked_memory_is_used_instead),
        cmocka_unit_test(nothing_stays_unlocked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
