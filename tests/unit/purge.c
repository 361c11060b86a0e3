/* Free pages go back to the kernel in slices and at the right time. The tests never touch the
 * pages. */
#include "held.h"
#include "unit.h"

#include <time.h>

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

static void wait_for_a_tick(void) { nanosleep(&(struct timespec){0, 300 * 1000000}, NULL); }

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
        assert_true(++ticks < 5);
    }
    assert_true(slices >= (PAGES - KEPT_PAGES) / SLICE_PAGES);
}

static void pages_that_a_tick_needed_stay(void **state) {
    (void)state;
    enum { WORKING_SET = 20000 };
    /* The first time, the heap does not know that the pages will be needed again. */
    LOCKED(pages_free(take(WORKING_SET), false));
    while (LOCKED(purge_excess())) continue;
    LOCKED(pages_free(take(WORKING_SET), false));
    LOCKED(purge_after_free());
    for (int i = 0; i < 3; i++) {
        wait_for_a_tick();
        uint32_t page = take(WORKING_SET);
        assert_true(pages_count().dirty < KEPT_PAGES + 2);
        LOCKED(pages_free(page, false));
        LOCKED(purge_after_free());
        assert_true(pages_count().dirty >= WORKING_SET);
    }
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
        cmocka_unit_test(pages_that_a_tick_needed_stay),
        cmocka_unit_test(a_set_amount_is_a_limit),
        cmocka_unit_test(without_a_limit_no_page_goes),
    };
    return cmocka_run_group_tests(tests, start_heap, NULL);
}
