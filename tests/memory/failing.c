/* If a mapping fails, the program gets an error, and the library remains usable. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/kernel.h"
#include "mallow/arena.h"
#include "mallow/scratch.h"

static int calls_until_failure = -1; /* calls of kernel_map; if negative, none fails */

void *__real_kernel_map(size_t bytes, const char *name);
void *__wrap_kernel_map(size_t bytes, const char *name) {
    if (calls_until_failure >= 0 && calls_until_failure-- == 0) {
        errno = ENOMEM;
        return NULL;
    }
    return __real_kernel_map(bytes, name);
}

long __wrap_kernel_read_file(const char *path, char *text, size_t room) {
    (void)path, (void)text, (void)room;
    return -1;
}

static void do_nothing(void *object) { (void)object; }

/* Uses an arena. Returns the number of allocations that failed. */
static int use_arena(void) {
    int failures = 0;
    struct mallow_arena *arena = mallow_arena_create(NULL);
    if (arena == NULL) return 1;
    struct mallow_arena_position mark = mallow_arena_mark(arena);
    for (int i = 0; i < 3000; i++) {
        size_t size = i % 100 == 0 ? 50000 : 100;
        char *block = mallow_arena_alloc(arena, size);
        if (block == NULL)
            failures++;
        else
            memset(block, 1, size);
        if (i == 1500) mallow_arena_release(arena, mark);
    }
    if (mallow_arena_on_release(arena, do_nothing, NULL) != MALLOW_OK) failures++;
    if (mallow_arena_for_thread(arena) == NULL) failures++;
    mallow_arena_destroy(arena);
    return failures;
}

static int use_scratch(int depth) {
    MALLOW_SCRATCH(scratch);
    int failures = 0;
    for (int i = 0; i < 3; i++) {
        size_t size = i == 2 ? 20000 : 3000;
        char *block = mallow_scratch_alloc(&scratch, size);
        if (block == NULL)
            failures++;
        else
            memset(block, 1, size);
    }
    return failures + (depth == 0 ? 0 : use_scratch(depth - 1));
}

static void check_failure(int failures) {
    assert_true(failures > 0);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(mallow_last_error().result, MALLOW_NO_MEMORY);
    assert_non_null(strstr(mallow_error_text(MALLOW_NO_MEMORY),
                           ": there is no memory: mmap: Cannot allocate memory"));
}

/* The first allocation of the process takes the first mapping of the library. */
static void the_first_arena_may_fail(void **state) {
    (void)state;
    calls_until_failure = 0;
    assert_null(mallow_arena_create(NULL));
    assert_int_equal(errno, ENOMEM);
    assert_string_equal(mallow_last_error().function, "mallow_arena_create");
    assert_int_equal(use_arena(), 0);
}

static void each_mapping_may_fail(void **state) {
    (void)state;
    for (int n = 0;; n++) {
        calls_until_failure = n;
        int failures = use_arena() + use_scratch(60);
        if (calls_until_failure >= 0) break;
        check_failure(failures);
    }
    calls_until_failure = -1;
    assert_int_equal(use_arena() + use_scratch(60), 0);
}

static void *use_without_memory(void *unused) {
    MALLOW_SCRATCH(scratch);
    for (int i = 0; i < 3; i++) {
        calls_until_failure = 0;
        assert_null(mallow_scratch_alloc(&scratch, i == 1 ? 20000 : 10));
        assert_int_equal(errno, ENOMEM);
        assert_string_equal(mallow_last_error().function, "mallow_scratch_alloc");
    }
    assert_non_null(mallow_scratch_alloc(&scratch, 10));
    return unused;
}

/* A new thread has no chunk. A scope that got no memory may try again. */
static void the_first_block_of_a_thread_may_fail(void **state) {
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, use_without_memory, NULL), 0);
    pthread_join(thread, NULL);
    calls_until_failure = -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_block_of_a_thread_may_fail),
        cmocka_unit_test(the_first_arena_may_fail),
        cmocka_unit_test(each_mapping_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
