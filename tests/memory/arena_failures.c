/* Bad arguments and an exhausted limit are errors that leave an arena usable. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mallow/arena.h"
#include "mapped.h"

static void bad_arguments_are_errors(void **state) {
    (void)state;
    struct mallow_arena *arena = mallow_arena_create(NULL);
    void *block = mallow_arena_alloc(arena, 10);
    static const struct {
        size_t size, align;
        int error;
    } cases[] = {{SIZE_MAX, 16, EOVERFLOW}, {SIZE_MAX - 14, 16, EOVERFLOW},
                 {PTRDIFF_MAX, 16, ENOMEM}, {1, 0, EINVAL},
                 {1, 24, EINVAL},           {1, (size_t)1 << 63, EOVERFLOW}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        errno = 0;
        assert_null(mallow_arena_alloc_aligned(arena, cases[i].size, cases[i].align));
        assert_int_equal(errno, cases[i].error);
    }
    assert_null(mallow_arena_alloc(arena, SIZE_MAX));
    assert_null(mallow_arena_array(arena, SIZE_MAX / 2, 3));
    assert_int_equal(errno, EOVERFLOW);
    assert_null(mallow_arena_strdup(arena, NULL));
    assert_null(mallow_arena_memdup(arena, NULL, 1));
    assert_null(mallow_arena_resize(arena, NULL, 1, 1));
    assert_null(mallow_arena_resize(arena, block, 10, SIZE_MAX));
    assert_null(mallow_arena_printf(arena, "%ls", L"\xdfff"));
    assert_int_equal(errno, EINVAL);
    assert_int_equal(mallow_arena_on_release(arena, NULL, NULL), MALLOW_BAD_ARGUMENT);
    assert_non_null(mallow_arena_alloc(arena, 0));
    mallow_arena_destroy(arena);

    assert_null(mallow_arena_alloc(NULL, 1));
    assert_int_equal(errno, EINVAL);
    assert_string_equal(mallow_error_text(MALLOW_BAD_ARGUMENT),
                        "mallow_arena_alloc: an argument has no meaning");
    assert_null(mallow_arena_for_thread(NULL));
    assert_int_equal(mallow_arena_move(NULL, NULL), MALLOW_BAD_ARGUMENT);
    mallow_arena_destroy(NULL);
    mallow_arena_reset(NULL);
    mallow_arena_release(NULL, mallow_arena_mark(NULL));
    assert_int_equal(mallow_arena_trim(NULL), 0);
    assert_int_equal(mallow_arena_usage(NULL).mapped, 0);
}

static void run_out(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = mapped() + 20000000;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    struct mallow_arena *arena = mallow_arena_create(NULL);
    char *last = NULL, *block;
    while ((block = mallow_arena_alloc(arena, 100000)) != NULL) last = memset(block, 1, 100000);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(mallow_last_error().limit, MALLOW_LIMIT_ADDRESS_SPACE);
    const char *text = mallow_error_text(MALLOW_AT_LIMIT);
    assert_non_null(strstr(text, "mallow_arena_alloc: RLIMIT_AS is "));
    assert_non_null(strstr(text, " more are needed: raise it with ulimit -v or prlimit"));
    assert_int_equal(*last, 1);
    mallow_arena_destroy(arena);
    arena = mallow_arena_create(NULL);
    assert_non_null(mallow_arena_alloc(arena, 10000000));
    mallow_arena_destroy(arena);
}

static void a_limit_is_named(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        run_out();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_arguments_are_errors),
        cmocka_unit_test(a_limit_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
