/* A heap that is open for reading only has no lock. What it reads is one moment of the heap, or it
 * is read again. The test changes the heap between two steps of a reader. */
#include "heap_test.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>

#include "shared/check.h"
#include "shared/image.h"

static struct mallow_shared *writer, *reader;

/* ---- changes while the reader reads ---- */

static int checks, changes_left;

/* A mixture of two moments is not sound. */
bool __real_check_image(const struct buddy *buddy, struct mallow_shared_finding *finding);
bool __wrap_check_image(const struct buddy *buddy, struct mallow_shared_finding *finding);
bool __wrap_check_image(const struct buddy *buddy, struct mallow_shared_finding *finding) {
    mallow_shared_handle handle;
    bool is_sound = __real_check_image(buddy, finding);
    checks++;
    if (changes_left == 0) return is_sound;
    changes_left--;
    assert_ok(mallow_shared_alloc(writer, 16, &handle));
    assert_ok(mallow_shared_free(writer, handle));
    *finding = (struct mallow_shared_finding){"a mixture", 1};
    return false;
}

/* ---- a step that is not complete ---- */

static int yields, yields_until_end;

static struct image_header *header(void) {
    char *root = (char *)mallow_shared_root(writer);
    return (struct image_header *)(void *)(root - offsetof(struct image_header, root));
}

int __wrap_sched_yield(void);
int __wrap_sched_yield(void) {
    if (++yields == yields_until_end) header()->commit &= ~(uint64_t)STEP_PENDING;
    return 0;
}

/* ---- heaps ---- */

static int start(void **state) {
    (void)state;
    mallow_shared_handle handle;
    writer = new_heap(1 << 16, 1 << 20);
    assert_ok(mallow_shared_alloc(writer, 1000, &handle));
    assert_ok(
        mallow_shared_open_fd(&reader, mallow_shared_fd(writer), MALLOW_SHARED_READ_ONLY, NULL));
    checks = changes_left = yields = yields_until_end = 0;
    return 0;
}

static int finish(void **state) {
    (void)state;
    assert_ok(mallow_shared_close(reader));
    assert_ok(mallow_shared_close(writer));
    return 0;
}

/* ---- tests ---- */

static void a_changed_heap_is_read_again(void **state) {
    (void)state;
    struct mallow_shared_finding finding = {"none", 1};
    changes_left = 3;
    assert_ok(mallow_shared_check(reader, &finding));
    assert_null(finding.problem);
    assert_int_equal(checks, 4);
}

static void a_heap_that_always_changes_is_busy(void **state) {
    (void)state;
    struct mallow_shared_finding finding = {"none", 1};
    changes_left = INT_MAX;
    assert_result(mallow_shared_check(reader, &finding), MALLOW_BUSY);
    assert_int_equal(errno, EAGAIN);
    assert_string_equal(finding.problem, "none");
    assert_in_range(checks, 100, 100000);
    changes_left = 0;
}

static void a_step_is_waited_for(void **state) {
    (void)state;
    struct mallow_shared_statistics statistics;
    struct mallow_shared_finding finding = {"none", 1};
    for (int i = 0; i < 2; i++) {
        yields = 0;
        yields_until_end = 5;
        header()->commit |= STEP_PENDING;
        if (i == 0)
            assert_ok(mallow_shared_measure(reader, &statistics));
        else
            assert_ok(mallow_shared_check(reader, &finding));
        assert_int_equal(yields, 5);
    }
    assert_int_equal(statistics.blocks, 1);
    assert_int_equal(statistics.requested, 1000);
    assert_null(finding.problem);
}

static void a_step_that_never_ends_is_an_error(void **state) {
    (void)state;
    struct mallow_shared_statistics statistics = {.blocks = 77};
    struct mallow_shared_finding finding = {"none", 1};
    header()->commit |= STEP_PENDING;
    assert_result(mallow_shared_measure(reader, &statistics), MALLOW_BUSY);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(statistics.blocks, 77);
    assert_result(mallow_shared_check(reader, &finding), MALLOW_BUSY);
    assert_int_equal(checks, 0);
    assert_in_range(yields, 100, 100000);
    header()->commit &= ~(uint64_t)STEP_PENDING;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, finish)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_changed_heap_is_read_again),
        TEST(a_heap_that_always_changes_is_busy),
        TEST(a_step_is_waited_for),
        TEST(a_step_that_never_ends_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
