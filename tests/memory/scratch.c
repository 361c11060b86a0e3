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

/* Scopes without a block lie between others, and end in every way. */
static NOINLINE int without_blocks(int depth) {
    MALLOW_SCRATCH(before);
    MALLOW_SCRATCH(scratch);
    MALLOW_SCRATCH(after);
    if (depth == 0) return 0;
    int below_this = without_blocks(depth - 1);
    char *late = depth % 3 == 0 ? mallow_scratch_alloc(&before, 40) : NULL;
    char *large = depth % 5 == 0 ? mallow_scratch_alloc(&scratch, 100000) : NULL;
    if (late != NULL) fill(late, 40, depth);
    if (large != NULL) fill(large, 100000, depth + 1);
    if (depth % 7 == 0) fill(mallow_scratch_alloc(&after, 10), 10, 1);
    if (late != NULL) check(late, 40, depth);
    if (large != NULL) check(large, 100000, depth + 1);
    return below_this + 1;
}

static void scopes_need_no_block(void **state) {
    (void)state;
    end_a_scope();
    struct mallow_scratch_stack before = mallow_scratch_stack;
    {
        MALLOW_SCRATCH(empty);
        assert_null(empty.record);
    }
    assert_memory_equal(&mallow_scratch_stack, &before, sizeof before);
    without_blocks(50);
    uint64_t mapped_before = mapped();
    for (int i = 0; i < 100; i++) assert_int_equal(without_blocks(50), 50);
    assert_true(mapped() <= mapped_before + 300000);
    assert_memory_equal(&mallow_scratch_stack, &before, sizeof before);
}

static NOINLINE void end_with_error(int error, size_t size) {
    MALLOW_SCRATCH(outer);
    mallow_scratch_alloc(&outer, 10);
    MALLOW_SCRATCH(scratch);
    mallow_scratch_alloc(&scratch, size);
    mallow_scratch_alloc(&outer, 10); /* the scopes end by the slow path */
    errno = error;
}

static void the_end_of_a_scope_keeps_errno(void **state) {
    (void)state;
    for (size_t size = 10; size < 1000000; size *= 10) {
        end_with_error(4711, size);
        assert_int_equal(errno, 4711);
    }
}

static void zeroed_blocks_are_zero(void **state) {
    (void)state;
    const size_t sizes[] = {1, 100, 16384, 16385, 100000};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            MALLOW_SCRATCH(scratch);
            char *block = mallow_scratch_zalloc(&scratch, sizes[i]);
            assert_non_null(block);
            check(block, sizes[i], 0);
            memset(block, 7, sizes[i]);
        }
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
        cmocka_unit_test(blocks_keep_their_content),
        cmocka_unit_test(an_outer_scope_may_allocate),
        cmocka_unit_test(depth_is_not_limited),
        cmocka_unit_test(copies_and_texts),
        cmocka_unit_test(scopes_need_no_block),
        cmocka_unit_test(the_end_of_a_scope_keeps_errno),
        cmocka_unit_test(zeroed_blocks_are_zero),
        cmocka_unit_test(threads_leave_nothing),
        cmocka_unit_test(bad_arguments_are_errors),
        cmocka_unit_test(large_blocks_fail_or_work),
    };
    if (argc == 2) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
