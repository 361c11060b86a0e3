/* Random locks, some of which fail halfway, compared with an array of counts. */
#include "unit.h"

#include <errno.h>

#include "../../support/random.h"
#include "base/kernel_lock.h"
#include "locked.h"
#include "mallow/lock.h"

#define PAGES 12
#define STEPS 20000

static uint64_t random_state = 0x5eed;
static bool fails_halfway;

/* Locks a part of the range and fails, as mlock(2) does. */
bool __real_kernel_lock(uintptr_t low, uintptr_t high, bool on_fault);
bool __wrap_kernel_lock(uintptr_t low, uintptr_t high, bool on_fault) {
    if (!fails_halfway) return __real_kernel_lock(low, high, on_fault);
    size_t pages = random_below(&random_state, (high - low) / PAGE + 1);
    if (pages != 0) __real_kernel_lock(low, low + pages * PAGE, on_fault);
    errno = EAGAIN;
    return false;
}

static unsigned counts[PAGES];

static void check_counts(const char *p) {
    bool locked[PAGES];
    pages_with_flag(p, PAGES, "lo", locked);
    for (size_t i = 0; i < PAGES; i++) {
        assert_int_equal(mallow_lock_count(p + i * PAGE, 1), counts[i]);
        assert_int_equal(locked[i], counts[i] != 0);
    }
}

static void step(char *p) {
    size_t first = random_below(&random_state, PAGES);
    size_t pages = 1 + random_below(&random_state, PAGES - first);
    unsigned least = UINT32_MAX;
    for (size_t i = first; i < first + pages; i++) least = counts[i] < least ? counts[i] : least;
    size_t before = random_below(&random_state, PAGE), after = random_below(&random_state, PAGE);
    if (pages == 1) before = after = 0;
    char *start = p + first * PAGE + before;
    size_t bytes = pages * PAGE - before - after;
    assert_int_equal(mallow_lock_count(start, bytes), least);

    int added = 0;
    if (random_below(&random_state, 2) == 0) {
        unsigned flags = random_below(&random_state, 3) == 0 ? MALLOW_LOCK_ON_FAULT : 0;
        fails_halfway = random_below(&random_state, 4) == 0;
        enum mallow_result expected = fails_halfway ? MALLOW_NO_MEMORY : MALLOW_OK;
        assert_int_equal(mallow_lock(start, bytes, flags), expected);
        added = fails_halfway ? 0 : 1;
        fails_halfway = false;
    } else {
        enum mallow_result expected = least == 0 ? MALLOW_NOT_LOCKED : MALLOW_OK;
        assert_int_equal(mallow_unlock(start, bytes), expected);
        added = least == 0 ? 0 : -1;
    }
    for (size_t i = first; i < first + pages; i++) counts[i] += (unsigned)added;
}

static void counts_agree_with_a_model(void **state) {
    (void)state;
    char *p = map_pages(PAGES);
    for (int i = 0; i < STEPS; i++) {
        step(p);
        if (i % (HAS_SHADOW ? 2000 : 16) == 0) check_counts(p);
    }
    for (size_t i = 0; i < PAGES; i++)
        for (; counts[i] != 0; counts[i]--)
            assert_int_equal(mallow_unlock(p + i * PAGE, PAGE), MALLOW_OK);
    check_counts(p);
    munmap(p, PAGES * PAGE);
}

/* The table of counts grows. */
static void many_ranges_have_counts(void **state) {
    (void)state;
    const size_t pages = 2000;
    char *p = map_pages(pages);
    struct mallow_lock_budget budget;
    assert_int_equal(mallow_lock_budget(&budget), MALLOW_OK);
    if (budget.available < pages * PAGE) skip();
    uint64_t before = locked_bytes();
    for (size_t i = pages; i >= 2; i -= 2)
        assert_int_equal(mallow_lock(p + (i - 2) * PAGE, PAGE, 0), MALLOW_OK);
    assert_int_equal(locked_bytes() - before, pages / 2 * PAGE);
    assert_int_equal(mallow_lock(p, pages * PAGE, MALLOW_LOCK_ON_FAULT), MALLOW_OK);
    for (size_t i = 0; i < pages; i++)
        assert_int_equal(mallow_lock_count(p + i * PAGE, PAGE), i % 2 == 0 ? 2 : 1);
    assert_int_equal(mallow_unlock(p, pages * PAGE), MALLOW_OK);
    for (size_t i = 0; i < pages; i += 2)
        assert_int_equal(mallow_unlock(p + i * PAGE, PAGE), MALLOW_OK);
    assert_int_equal(locked_bytes(), before);
    munmap(p, pages * PAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_agree_with_a_model),
        cmocka_unit_test(many_ranges_have_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
