/* Free pages go back to the kernel in slices and at the right time. The tests never touch the
 * pages. */
#include "held.h"
#include "unit.h"

#include "os/cgroup.h"
#include "os/os.h"
#include "pages/pages.h"
#include "pages/purge.h"
#include "pages/space.h"
#include "start_heap.h"

/* The limits that purge.h promises for the pages that one call returns, and for those that are
 * kept. */
enum { SLICE_PAGES = 8 * 256, KEPT_PAGES = 4 * 256, PAGES = 100000 };

static size_t group_limit = SIZE_MAX;

static uint32_t take(uint32_t pages) {
    bool clean;
    uint32_t page = LOCKED(pages_alloc(pages, 1, RUN_BLOCK, &clean));
    assert_int_not_equal(page, 0);
    return page;
}

static size_t kernel_page(void) { return os_page_size() / RUN_PAGE; }

/* The test chooses the time, in nanoseconds. */
static int64_t test_time = 1000000000;
static void wait_for_a_tick(void) { test_time += 200000000; }
int64_t __wrap_os_coarse_ns(void);
int64_t __wrap_os_coarse_ns(void) { return test_time; }

/* Frees one page. Returns the number of pages that went back to the kernel in this call. */
static size_t purged_by_a_free(void) {
    LOCKED(pages_free(take(1), false));
    size_t before = pages_count().dirty;
    LOCKED(purge_after_free());
    return before - pages_count().dirty;
}

static void one_call_returns_a_slice_and_the_next_the_rest(void **state) {
    (void)state;
    LOCKED(pages_free(take(PAGES), false));
    LOCKED(purge_after_free());
    wait_for_a_tick(); /* too much has been free for too long */
    int slices = 0, ticks = 0;
    while (pages_count().dirty > KEPT_PAGES + kernel_page()) { /* one page is taken meanwhile */
        size_t purged = purged_by_a_free();
        assert_true(purged <= SLICE_PAGES);
        slices += purged > 0;
        if (purged > 0) continue;
        wait_for_a_tick();
        assert_true(++ticks < 8);
    }
    assert_true(slices >= (PAGES - KEPT_PAGES) / SLICE_PAGES);
}

/* Makes the heap notice that pages are needed soon after they were purged. */
static void show_that_pages_are_needed(uint32_t pages) {
    LOCKED(pages_free(take(pages), false));
    while (LOCKED(purge_excess())) continue;
    LOCKED(pages_free(take(pages), false));
    LOCKED(purge_after_free());
}

enum { WORKING_SET = 20000 };

static void pages_that_are_needed_soon_stay(void **state) {
    (void)state;
    show_that_pages_are_needed(WORKING_SET);
    for (int i = 0; i < 5; i++) {
        for (int ticks = 0; ticks < 3; ticks++) { /* less than 0.6 s */
            assert_true(pages_count().dirty >= WORKING_SET);
            wait_for_a_tick();
            assert_int_equal(purged_by_a_free(), 0);
        }
        uint32_t page = take(WORKING_SET);
        assert_true(pages_count().dirty < KEPT_PAGES + 2);
        LOCKED(pages_free(page, false));
        LOCKED(purge_after_free());
        while (LOCKED(purge_exchange(SLICE_PAGES)) != 0) continue; /* fresh pages elsewhere */
    }
}

/* After at most a second they are gone, and the next peak counts as the first one again. */
static void pages_that_are_not_needed_soon_go(void **state) {
    (void)state;
    enum { KEPT_AT_ONCE = 12 * 256, CALLS = 1 + WORKING_SET / (2 * 256) };
    show_that_pages_are_needed(WORKING_SET);
    assert_true(pages_count().dirty >= WORKING_SET);
    for (int ticks = 0; ticks < 4; ticks++) {
        wait_for_a_tick();
        for (int calls = 0; calls < CALLS; calls++) LOCKED(purge_after_free());
    }
    assert_true(pages_count().dirty <= KEPT_PAGES + kernel_page());
    for (int ticks = 0; ticks < 5; ticks++) wait_for_a_tick();
    uint32_t page = take(WORKING_SET);
    LOCKED(pages_free(page, false));
    while (LOCKED(purge_excess())) continue;
    assert_true(pages_count().dirty <= KEPT_AT_ONCE);
}

/* If nothing is called for a while, the time counts as if there had been calls. */
static void a_long_tick_counts_as_several(void **state) {
    (void)state;
    show_that_pages_are_needed(WORKING_SET);
    wait_for_a_tick();
    LOCKED(purge_after_free());
    for (int ticks = 0; ticks < 50; ticks++) wait_for_a_tick();
    assert_true(purge_is_due(test_time));
    assert_true(LOCKED(purge_unused(test_time)));
    while (LOCKED(purge_unused(test_time))) continue;
    assert_false(purge_is_due(test_time));
    assert_true(pages_count().dirty <= KEPT_PAGES + kernel_page());
}

/* Pages go back without a tick and without a later call, because this call may be the last one. */
static void many_freed_pages_go_at_once(void **state) {
    (void)state;
    enum { RUN = 100, KEPT_AT_ONCE = 12 * 256 };
    static uint32_t runs[PAGES / RUN];
    for (size_t i = 0; i < PAGES / RUN; i++) runs[i] = take(RUN);
    for (size_t i = 0; i < PAGES / RUN; i++) {
        LOCKED(pages_free(runs[i], false));
        LOCKED(purge_after_free());
    }
    assert_true(pages_count().dirty <= KEPT_AT_ONCE);
}

/* Near the limit of its control group the heap keeps no free page. */
static void a_group_without_room_keeps_nothing(void **state) {
    (void)state;
    enum { LIMIT = 64 * MIB, PART = LIMIT >> RUN_SHIFT };
    group_limit = LIMIT;
    purge_read_group();
    uint32_t used = take(PART / 4 * 3);
    LOCKED(pages_free(take(PART / 8), false));
    while (LOCKED(purge_excess())) continue;
    assert_true(pages_count().dirty <= PART / 8);
    uint32_t more = take(PART / 4);
    LOCKED(pages_free(take(PART / 8), false));
    while (LOCKED(purge_excess())) continue;
    assert_true(pages_count().dirty <= kernel_page());
    LOCKED(pages_free(more, false));
    LOCKED(pages_free(used, false));
    while (LOCKED(purge_excess())) continue;
    group_limit = SIZE_MAX;
    purge_read_group();
}

static void forget_the_recent_peak(void) {
    for (int ticks = 0; ticks < 5; ticks++) {
        wait_for_a_tick();
        while (LOCKED(purge_unused(test_time))) continue;
    }
}

/* A group of limited size still has room for what the program used a moment ago. */
static void a_group_has_room_for_the_recent_peak(void **state) {
    (void)state;
    enum { LIMIT = 256 * MIB, PEAK = (LIMIT >> RUN_SHIFT) / 2 };
    group_limit = LIMIT;
    purge_read_group();
    forget_the_recent_peak();
    show_that_pages_are_needed(PEAK);
    for (int ticks = 0; ticks < 3; ticks++) {
        while (LOCKED(purge_excess())) continue;
        assert_true(pages_count().dirty >= PEAK);
        wait_for_a_tick();
        assert_false(LOCKED(purge_unused(test_time)));
    }
    forget_the_recent_peak();
    assert_true(pages_count().dirty <= KEPT_PAGES + kernel_page());
    group_limit = SIZE_MAX;
    purge_read_group();
}

/* A block that grows in place leaves no free pages either when the group has no room for them. */
static void growth_in_place_counts_in_a_group(void **state) {
    (void)state;
    enum { LIMIT = 64 * MIB, PART = LIMIT >> RUN_SHIFT };
    group_limit = LIMIT;
    purge_read_group();
    forget_the_recent_peak();
    uint32_t hole = take(PART / 8), grows = take(PART / 2);
    LOCKED(pages_free(hole, false));
    size_t before = pages_count().dirty;
    assert_true(LOCKED(pages_extend(grows, PART / 16 * 15)));
    assert_true(pages_count().dirty < before);
    assert_true(purge_has_group());
    while (LOCKED(purge_for_group())) continue;
    assert_true(pages_count().dirty <= kernel_page());
    LOCKED(pages_free(grows, false));
    while (LOCKED(purge_excess())) continue;
    group_limit = SIZE_MAX;
    purge_read_group();
    assert_false(purge_has_group());
    assert_false(LOCKED(purge_for_group()));
}

/* Excess pages go back without a tick and in batches. Pages beyond one slice wait for the next
 * call. */
static void a_set_amount_is_a_limit(void **state) {
    (void)state;
    enum { AMOUNT = 2000, SLACK = AMOUNT / 8, SMALL = 10 };
    static uint32_t runs[PAGES / SMALL];
    purge_set_retain((size_t)AMOUNT << RUN_SHIFT);
    assert_int_equal(purge_slack(), SLACK);
    for (size_t i = 0; i < PAGES / SMALL; i++) runs[i] = take(SMALL);
    int batches = 0;
    for (size_t i = 0; i < PAGES / SMALL; i++) {
        size_t before = pages_count().dirty + SMALL;
        LOCKED(pages_free(runs[i], false));
        LOCKED(purge_after_free());
        batches += pages_count().dirty != before;
        assert_true(pages_count().dirty <= AMOUNT + SLACK);
    }
    assert_true(pages_count().dirty >= AMOUNT);
    assert_true(batches <= PAGES / SLACK);
    uint32_t large = take(PAGES);
    LOCKED(pages_free(large, false));
    while (LOCKED(purge_excess())) continue;
    assert_true(pages_count().dirty <= AMOUNT + SLACK);
}

static void without_a_limit_no_page_goes(void **state) {
    (void)state;
    purge_set_retain(SIZE_MAX - 1);
    LOCKED(pages_free(take(PAGES), false));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(purged_by_a_free(), 0);
        wait_for_a_tick();
    }
    assert_false(LOCKED(purge_excess()));
    purge_set_retain(SIZE_MAX);
    assert_int_equal(purge_slack(), SIZE_MAX);
}

struct cgroup_memory __wrap_cgroup_memory(void);
struct cgroup_memory __wrap_cgroup_memory(void) {
    return (struct cgroup_memory){group_limit, group_limit};
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_freed_pages_go_at_once),
        cmocka_unit_test(a_group_without_room_keeps_nothing),
        cmocka_unit_test(one_call_returns_a_slice_and_the_next_the_rest),
        cmocka_unit_test(pages_that_are_needed_soon_stay),
        cmocka_unit_test(pages_that_are_not_needed_soon_go),
        cmocka_unit_test(a_long_tick_counts_as_several),
        cmocka_unit_test(a_group_has_room_for_the_recent_peak),
        cmocka_unit_test(growth_in_place_counts_in_a_group),
        cmocka_unit_test(a_set_amount_is_a_limit),
        cmocka_unit_test(without_a_limit_no_page_goes),
    };
    return cmocka_run_group_tests(tests, start_heap, NULL);
}
