/* NULL and other arguments without a meaning are errors. */
#include <errno.h>

#include "heap_test.h"

/* A macro, so that each function lists its calls. */
#define EXPECT_BAD_ARGUMENTS(...)                                           \
    do {                                                                    \
        const enum mallow_result results[] = {__VA_ARGS__};                 \
        for (size_t i = 0; i < sizeof results / sizeof *results; i++)       \
            if (results[i] != MALLOW_BAD_ARGUMENT) fail_msg("call %zu", i); \
        assert_int_equal(errno, EINVAL);                                    \
    } while (0)

static void opening_checks_its_arguments(void **state) {
    (void)state;
    struct mallow_shared *heap;
    EXPECT_BAD_ARGUMENTS(mallow_shared_open(NULL, "/x", MALLOW_SHARED_OPEN, NULL),
                         mallow_shared_open(&heap, NULL, MALLOW_SHARED_OPEN, NULL),
                         mallow_shared_open(&heap, "/x", (enum mallow_shared_how)4, NULL),
                         mallow_shared_open_file(NULL, "/x", MALLOW_SHARED_OPEN, NULL),
                         mallow_shared_open_file(&heap, NULL, MALLOW_SHARED_OPEN, NULL),
                         mallow_shared_open_file(&heap, "", MALLOW_SHARED_OPEN, NULL),
                         mallow_shared_open_fd(NULL, 0, MALLOW_SHARED_OPEN, NULL),
                         mallow_shared_open_fd(&heap, -1, MALLOW_SHARED_OPEN, NULL),
                         mallow_shared_memfd(NULL, NULL), mallow_shared_unlink(NULL),
                         mallow_shared_unlink_file(NULL));
}

static void blocks_check_their_arguments(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1, 1);
    mallow_shared_handle handle = 0, *root = mallow_shared_root(heap);
    size_t size;
    EXPECT_BAD_ARGUMENTS(
        mallow_shared_alloc(NULL, 1, &handle), mallow_shared_alloc(heap, 1, NULL),
        mallow_shared_zalloc(NULL, 1, &handle), mallow_shared_free(NULL, 1),
        mallow_shared_resize(NULL, &handle, 1), mallow_shared_resize(heap, NULL, 1),
        mallow_shared_size(NULL, 1, &size), mallow_shared_size(heap, 1, NULL),
        mallow_shared_alloc_into(NULL, root, 1), mallow_shared_alloc_into(heap, NULL, 1),
        mallow_shared_free_from(NULL, root), mallow_shared_free_from(heap, NULL),
        mallow_shared_resize_in(NULL, root, 1), mallow_shared_resize_in(heap, NULL, 1),
        mallow_shared_move(NULL, root, &handle, 0), mallow_shared_move(heap, root, NULL, 0),
        mallow_shared_move(heap, NULL, root, 0));
    assert_ok(mallow_shared_resize(heap, &handle, 5));
    assert_ok(mallow_shared_resize(heap, &handle, 0));
    assert_ok(mallow_shared_size(heap, handle, &size));
    assert_int_equal(size, 0);
    assert_ok(mallow_shared_close(heap));
}

static void the_directory_checks_its_arguments(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1, 1);
    mallow_shared_handle handle;
    unsigned cursor = 0;
    char name[MALLOW_SHARED_NAME_BYTES];
    EXPECT_BAD_ARGUMENTS(
        mallow_shared_set_name(NULL, "x", 1), mallow_shared_set_name(heap, NULL, 1),
        mallow_shared_find(NULL, "x", &handle), mallow_shared_find(heap, NULL, &handle),
        mallow_shared_find(heap, "x", NULL),
        mallow_shared_find_or_alloc(NULL, "x", 1, &handle, NULL),
        mallow_shared_find_or_alloc(heap, "x", 1, NULL, NULL), mallow_shared_remove_name(NULL, "x"),
        mallow_shared_remove_name(heap, NULL),
        mallow_shared_next_name(NULL, &cursor, name, &handle),
        mallow_shared_next_name(heap, NULL, name, &handle),
        mallow_shared_next_name(heap, &cursor, NULL, &handle),
        mallow_shared_next_name(heap, &cursor, name, NULL), mallow_shared_measure(NULL, NULL),
        mallow_shared_measure(heap, NULL), mallow_shared_grow(NULL, 1),
        mallow_shared_check(NULL, NULL), mallow_shared_commit(NULL));
    assert_ok(mallow_shared_close(heap));
}

static void no_heap_has_nothing(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1, 1);
    assert_null(mallow_shared_at_checked(NULL, 1, 1));
    assert_null(mallow_shared_root(NULL));
    assert_int_equal(mallow_shared_handle_of(NULL, heap), 0);
    assert_int_equal(mallow_shared_fd(NULL), -1);
    assert_ok(mallow_shared_close(NULL));
    assert_ok(mallow_shared_check(heap, NULL));
    assert_ok(mallow_shared_close(heap));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_checks_its_arguments),
        cmocka_unit_test(blocks_check_their_arguments),
        cmocka_unit_test(the_directory_checks_its_arguments),
        cmocka_unit_test(no_heap_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
