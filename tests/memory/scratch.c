/* Scratch blocks keep their content until their scope ends. Their memory is then free. When a
 * thread ends, all of its memory is free. */
#include "scratch_blocks.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "mapped.h"

static void blocks_keep_their_content(void **state) {
    (void)state;
    nest(3);
    uint64_t before = mapped();
    for (int i = 0; i < 100; i++) nest(6);
    assert_true(mapped() <= before + 300000);
}

/* The outer scope allocates while inner ones exist, in the same chunk and in later ones. */
static void an_outer_scope_may_allocate(void **state) {
    (void)state;
    MALLOW_SCRATCH(outer);
    char *blocks[400];
    for (int i = 0; i < 400; i++) {
        MALLOW_SCRATCH(inner);
        char *block = mallow_scratch_alloc(&inner, 300);
        fill(block, 300, 1);
        blocks[i] = mallow_scratch_alloc(&outer, 200);
        fill(blocks[i], 200, i);
        check(block, 300, 1);
        fill(mallow_scratch_alloc(&inner, 300), 300, 2);
    }
    for (int i = 0; i < 400; i++) check(blocks[i], 200, i);
}

static NOINLINE int recurse(int depth) {
    MALLOW_SCRATCH(scratch);
    char *text = mallow_scratch_printf(&scratch, "%d", depth);
    int below_this = depth == 0 ? 0 : recurse(depth - 1);
    return below_this + (atoi(text) == depth);
}

static void depth_is_not_limited(void **state) {
    (void)state;
    assert_int_equal(recurse(20000), 20001);
    uint64_t before = mapped();
    assert_int_equal(recurse(20000), 20001);
    assert_true(mapped() <= before + 100000);
}

static void copies_and_texts(void **state) {
    (void)state;
    MALLOW_SCRATCH(scratch);
    assert_string_equal(mallow_scratch_strdup(&scratch, "copy"), "copy");
    assert_string_equal(mallow_scratch_strndup(&scratch, "copy", 2), "co");
    assert_memory_equal(mallow_scratch_memdup(&scratch, "ab\0cd", 5), "ab\0cd", 5);
    assert_string_equal(mallow_scratch_printf(&scratch, "%5d|%s", 42, "x"), "   42|x");
    char *numbers = mallow_scratch_array(&scratch, 1000, 8);
    fill(numbers, 8000, 1);
}

/* ---- threads ---- */

static void *work(void *unused) {
    nest(5);
    return unused;
}

static void run_threads(int count) {
    pthread_t threads[4];
    for (int i = 0; i < count; i += 4) {
        for (int t = 0; t < 4; t++) pthread_create(&threads[t], NULL, work, NULL);
        for (int t = 0; t < 4; t++) pthread_join(threads[t], NULL);
    }
}

static void threads_leave_nothing(void **state) {
    (void)state;
    run_threads(40);
    uint64_t before = mapped();
    run_threads(200);
    assert_true(mapped() <= before + 1000000);
}

/* ---- failures ---- */

static void bad_arguments_are_errors(void **state) {
    (void)state;
    MALLOW_SCRATCH(scratch);
    errno = 0;
    assert_null(mallow_scratch_alloc(&scratch, SIZE_MAX));
    assert_int_equal(errno, EOVERFLOW);
    assert_null(mallow_scratch_alloc(&scratch, PTRDIFF_MAX));
    assert_int_equal(errno, ENOMEM);
    assert_null(mallow_scratch_array(&scratch, SIZE_MAX / 2, 3));
    assert_int_equal(errno, EOVERFLOW);
    assert_null(mallow_scratch_strdup(&scratch, NULL));
    assert_int_equal(errno, EINVAL);
    assert_null(mallow_scratch_memdup(&scratch, NULL, 1));
    assert_null(mallow_scratch_zalloc(NULL, 1));
    assert_null(mallow_scratch_alloc(NULL, 1));
    assert_null(mallow_scratch_printf(&scratch, "%ls", L"\xdfff"));
    assert_int_equal(errno, EINVAL);
    assert_non_null(mallow_scratch_alloc(&scratch, 0));
}

static void large_blocks_fail_or_work(void **state) {
    (void)state;
    MALLOW_SCRATCH(scratch);
    char *block = mallow_scratch_alloc(&scratch, (size_t)100 << 20); /* alloca would crash */
    assert_non_null(block);
    block[0] = block[((size_t)100 << 20) - 1] = 1;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit;
        getrlimit(RLIMIT_AS, &limit);
        limit.rlim_cur = mapped() + 20000000;
        setrlimit(RLIMIT_AS, &limit);
        MALLOW_SCRATCH(inner);
        assert_null(mallow_scratch_alloc(&inner, (size_t)100 << 20));
        assert_non_null(strstr(mallow_error_text(MALLOW_AT_LIMIT), "RLIMIT_AS"));
        assert_non_null(mallow_scratch_alloc(&inner, (size_t)1 << 20));
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_their_content), cmocka_unit_test(an_outer_scope_may_allocate),
        cmocka_unit_test(depth_is_not_limited),      cmocka_unit_test(copies_and_texts),
        cmocka_unit_test(threads_leave_nothing),     cmocka_unit_test(bad_arguments_are_errors),
        cmocka_unit_test(large_blocks_fail_or_work),
    };
    if (argc == 2) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
