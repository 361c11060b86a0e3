/* Secrets: sizes, states, counted opens, comparison, and errors. */
#include "unit.h"

#include "kinds.h"

static bool is_zero(const unsigned char *p, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (p[i] != 0) return false;
    return true;
}

static void secrets_of_all_sizes(void **state) {
    (void)state;
    for (int flags = 0; flags <= 1; flags++)
        for (size_t bytes = 0; bytes < 3 * PAGE; bytes += bytes < 70 ? 1 : bytes / 7) {
            unsigned char *p = mallow_secret_alloc(bytes, (unsigned)flags);
            assert_non_null(p);
            assert_true(is_zero(p, bytes));
            memset(p, 0xa5, bytes);
            struct mallow_secret_description d = describe(p);
            assert_int_equal(d.bytes, bytes);
            assert_int_equal(d.state, MALLOW_SECRET_READ_WRITE);
            assert_int_equal(d.page_state, MALLOW_SECRET_READ_WRITE);
            assert_int_equal(d.writers, 1);
            assert_int_equal(d.readers, 0);
            assert_int_equal(d.has_own_pages, bytes != 0 && (flags == 1 || bytes > PAGE / 4));
            if (kind_is_locked) assert_int_equal(d.memory, MALLOW_SECRET_LOCKED);
            if (flags == 0) assert_int_equal((uintptr_t)p % 16, 0);
            if (flags == 1 && bytes != 0) assert_int_equal((uintptr_t)(p + bytes) % PAGE, 0);
            assert_int_equal(mallow_secret_close(p, MALLOW_SECRET_WRITE), MALLOW_OK);
            assert_int_equal(mallow_secret_free(p), MALLOW_OK);
        }
    assert_int_equal(mallow_secret_usage().secrets, 0);
    assert_int_equal(mallow_secret_usage().bytes, 0);
    assert_int_equal(mallow_secret_usage().locked, PAGE); /* one empty page is kept */
}

static enum mallow_secret_state state_of(const void *p) { return describe(p).state; }

static void opens_are_counted(void **state) {
    (void)state;
    const unsigned r = MALLOW_SECRET_READ, w = MALLOW_SECRET_WRITE;
    char *p = mallow_secret_alloc(32, MALLOW_SECRET_OWN_PAGES);
    strcpy(p, "a key");
    assert_int_equal(mallow_secret_open(p, r | w), MALLOW_OK);
    assert_int_equal(describe(p).writers, 2);
    assert_int_equal(mallow_secret_close(p, w), MALLOW_OK);
    assert_int_equal(state_of(p), MALLOW_SECRET_READ_WRITE);
    assert_int_equal(mallow_secret_close(p, r), MALLOW_NOT_OPEN);
    assert_int_equal(errno, EINVAL);
    assert_string_equal(mallow_error_text(MALLOW_NOT_OPEN),
                        "mallow_secret_close: the secret is not open for that access");
    assert_int_equal(mallow_secret_close(p, r | w), MALLOW_OK);
    assert_int_equal(state_of(p), MALLOW_SECRET_CLOSED);
    assert_int_equal(describe(p).page_state, MALLOW_SECRET_CLOSED);
    assert_int_equal(mallow_secret_close(p, w), MALLOW_NOT_OPEN);

    assert_int_equal(mallow_secret_open(p, r), MALLOW_OK);
    assert_int_equal(mallow_secret_open(p, r), MALLOW_OK);
    assert_int_equal(state_of(p), MALLOW_SECRET_READ_ONLY);
    assert_string_equal(p, "a key");
    assert_int_equal(mallow_secret_open(p, w), MALLOW_OK);
    assert_int_equal(state_of(p), MALLOW_SECRET_READ_WRITE);
    p[0] = 'A';
    assert_int_equal(mallow_secret_close(p, r), MALLOW_OK);
    assert_int_equal(mallow_secret_close(p, w), MALLOW_OK);
    assert_int_equal(state_of(p), MALLOW_SECRET_READ_ONLY);
    assert_int_equal(describe(p).readers, 1);
    assert_string_equal(p, "A key");
    assert_int_equal(mallow_secret_close(p, r), MALLOW_OK);
    assert_int_equal(state_of(p), MALLOW_SECRET_CLOSED);
    assert_int_equal(mallow_secret_free(p), MALLOW_OK);
}

static void a_page_has_the_widest_state(void **state) {
    (void)state;
    char *a = mallow_secret_alloc(40, 0), *b = mallow_secret_alloc(40, 0);
    assert_int_equal(mallow_secret_close(a, MALLOW_SECRET_WRITE), MALLOW_OK);
    assert_int_equal(describe(a).state, MALLOW_SECRET_CLOSED);
    assert_int_equal(describe(a).page_state, MALLOW_SECRET_READ_WRITE);
    assert_int_equal(mallow_secret_open(b, MALLOW_SECRET_READ), MALLOW_OK);
    assert_int_equal(mallow_secret_close(b, MALLOW_SECRET_WRITE), MALLOW_OK);
    assert_int_equal(describe(a).page_state, MALLOW_SECRET_READ_ONLY);
    char *c = mallow_secret_alloc(40, 0);
    assert_int_equal(describe(a).page_state, MALLOW_SECRET_READ_WRITE);
    assert_int_equal(mallow_secret_free(c), MALLOW_OK);
    assert_int_equal(describe(a).page_state, MALLOW_SECRET_READ_ONLY);
    assert_int_equal(mallow_secret_free(b), MALLOW_OK); /* open, and freed nevertheless */
    assert_int_equal(describe(a).page_state, MALLOW_SECRET_CLOSED);
    assert_int_equal(mallow_secret_free(a), MALLOW_OK);
}

static void expect_not_secret(void *p) {
    struct mallow_secret_description d = {.bytes = 77};
    errno = 0;
    assert_int_equal(mallow_secret_free(p), MALLOW_NOT_SECRET);
    assert_int_equal(errno, EINVAL);
    assert_string_equal(mallow_error_text(MALLOW_NOT_SECRET),
                        "mallow_secret_free: the address is not that of a secret of this process");
    assert_int_equal(mallow_secret_open(p, MALLOW_SECRET_READ), MALLOW_NOT_SECRET);
    assert_int_equal(mallow_secret_close(p, MALLOW_SECRET_READ), MALLOW_NOT_SECRET);
    assert_int_equal(mallow_secret_describe(p, &d), MALLOW_NOT_SECRET);
    assert_int_equal(d.bytes, 77);
    assert_false(mallow_secret_equal(p, "x", 1));
    assert_int_equal(mallow_last_error().result, MALLOW_NOT_SECRET);
}

static void wrong_addresses_are_errors(void **state) {
    (void)state;
    static char data[64];
    char *small = mallow_secret_alloc(32, 0), *large = mallow_secret_alloc(3 * PAGE, 0);
    char *own = mallow_secret_alloc(48, MALLOW_SECRET_OWN_PAGES);
    char *others[] = {small, large, own};
    expect_not_secret(data);
    expect_not_secret(&small);
    expect_not_secret((void *)1);
    expect_not_secret((void *)UINTPTR_MAX);
    for (int i = 0; i < 3; i++) {
        expect_not_secret(others[i] + 1);
        expect_not_secret(others[i] + 16);
        expect_not_secret(others[i] - 1);
        expect_not_secret(others[i] - 16);
        expect_not_secret(others[i] + PAGE);
        expect_not_secret(others[i] - PAGE);
        expect_not_secret((char *)((uintptr_t)others[i] / PAGE * PAGE) + 7);
    }
    assert_int_equal(mallow_secret_usage().secrets, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mallow_secret_free(others[i]), MALLOW_OK);
        expect_not_secret(others[i]);
    }
    assert_int_equal(mallow_secret_open(NULL, MALLOW_SECRET_READ), MALLOW_NOT_SECRET);
    assert_int_equal(mallow_secret_free(NULL), MALLOW_OK);
}

static void bad_arguments_are_errors(void **state) {
    (void)state;
    assert_null(mallow_secret_alloc(32, 2));
    assert_int_equal(errno, EINVAL);
    assert_int_equal(mallow_last_error().result, MALLOW_BAD_ARGUMENT);
    assert_null(mallow_secret_alloc(SIZE_MAX, 0));
    assert_int_equal(errno, EOVERFLOW);
    assert_null(mallow_secret_alloc(PTRDIFF_MAX - PAGE, MALLOW_SECRET_OWN_PAGES));
    assert_int_equal(errno, EOVERFLOW);
    assert_string_equal(mallow_error_text(MALLOW_TOO_LARGE),
                        "mallow_secret_alloc: the size exceeds what any object can have");
    char *p = mallow_secret_alloc(8, 0);
    for (unsigned access = 0; access < 9; access += access == 0 ? 4 : 1) {
        assert_int_equal(mallow_secret_open(p, access), MALLOW_BAD_ARGUMENT);
        assert_int_equal(mallow_secret_close(p, access), MALLOW_BAD_ARGUMENT);
    }
    assert_int_equal(mallow_secret_describe(p, NULL), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_secret_free_all(NULL, 0), MALLOW_OK);
    assert_int_equal(mallow_secret_free_all(NULL, 1), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_secret_free(p), MALLOW_OK);
}

static void comparison_opens_the_secrets(void **state) {
    (void)state;
    char *a = mallow_secret_alloc(20, 0), *b = mallow_secret_alloc(20, MALLOW_SECRET_OWN_PAGES);
    strcpy(a, "correct horse");
    strcpy(b, "correct horsE");
    assert_int_equal(mallow_secret_close(a, MALLOW_SECRET_WRITE), MALLOW_OK);
    assert_int_equal(mallow_secret_close(b, MALLOW_SECRET_WRITE), MALLOW_OK);
    errno = 0;
    assert_true(mallow_secret_equal(a, "correct horse", 14));
    assert_false(mallow_secret_equal(a, "correct horsE", 14));
    assert_false(mallow_secret_equal(a, b, 20));
    assert_true(mallow_secret_equal(b, a, 12));
    assert_true(mallow_secret_equal(b, b, 20));
    assert_true(mallow_secret_equal(b, "", 0));
    assert_int_equal(errno, 0);
    assert_false(mallow_secret_equal(a, "correct horse battery", 21));
    assert_int_equal(errno, ERANGE);
    assert_string_equal(mallow_error_text(MALLOW_NO_ROOM),
                        "mallow_secret_equal: there is room for 20 bytes, and 21 are needed");
    assert_false(mallow_secret_equal(a, NULL, 1));
    assert_int_equal(errno, EINVAL);
    assert_int_equal(describe(a).page_state, MALLOW_SECRET_CLOSED);
    assert_int_equal(describe(b).page_state, MALLOW_SECRET_CLOSED);
    assert_int_equal(mallow_secret_free(a), MALLOW_OK);
    assert_int_equal(mallow_secret_free(b), MALLOW_OK);
}

static void many_are_freed_at_once(void **state) {
    (void)state;
    void *p[300];
    for (size_t i = 0; i < 300; i++) {
        p[i] = mallow_secret_alloc(i % 50, 0);
        if (i % 3 != 0) assert_int_equal(mallow_secret_close(p[i], MALLOW_SECRET_WRITE), MALLOW_OK);
    }
    char *kept = mallow_secret_alloc(32, 0);
    assert_int_equal(mallow_secret_close(kept, MALLOW_SECRET_WRITE), MALLOW_OK);
    void *mixed[] = {p[0], NULL, p[1], p[1], &kept, p[2]};
    assert_int_equal(mallow_secret_free_all(mixed, 6), MALLOW_NOT_SECRET);
    assert_int_equal(mallow_secret_usage().secrets, 298);
    assert_int_equal(mallow_secret_free_all(p + 3, 297), MALLOW_OK);
    assert_int_equal(mallow_secret_usage().secrets, 1);
    assert_int_equal(describe(kept).page_state, MALLOW_SECRET_CLOSED);
    assert_int_equal(mallow_secret_free(kept), MALLOW_OK);
}

int main(int argc, char **argv) {
    choose_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_of_all_sizes),
        cmocka_unit_test(opens_are_counted),
        cmocka_unit_test(a_page_has_the_widest_state),
        cmocka_unit_test(wrong_addresses_are_errors),
        cmocka_unit_test(bad_arguments_are_errors),
        cmocka_unit_test(comparison_opens_the_secrets),
        cmocka_unit_test(many_are_freed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
