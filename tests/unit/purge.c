/* How much goes back to the kernel at once, and when. Nothing is touched: pages are numbers. */
#include "unit.h"

#include <time.h>

#include "os.h"
#include "pages.h"
#include "purge.h"
#include "start.h"

/* Bounds that purge.h promises: what one call returns, and what is kept by amount. */
enum { SLICE_PAGES = 8 * 256, KEPT_PAGES = 4 * 256, PAGES = 100000 };

static uint32_t take(uint32_t pages) {
    bool clean;
    uint32_t page = pages_alloc(pages, 1, RUN_BLOCK, &clean);
    assert_int_not_equal(page, 0);
    return page;
}

static size_t kernel_page(void) { return os_page_size() / RUN_PAGE; }

static void wait_for_a_tick(void) { nanosleep(&(struct timespec){0, 300 * 1000000}, NULL); }

/* A call that frees one page; how many pages went meanwhile. */
static size_t purged_by_a_free(void) {
    pages_free(take(1), false);
    size_t before = pages_count().dirty;
    purge_after_free();
    return before - pages_count().dirty;
}

static void one_call_returns_a_slice_and_the_next_the_rest(void **state) {
    (void)state;
    pages_free(take(PAGES), false);
    purge_after_free();
    wait_for_a_tick(); /* there is too much, and for too long */
    int slices = 0, ticks = 0;
    while (pages_count().dirty > KEPT_PAGES + kernel_page()) { /* one is taken meanwhile */
        size_t purged = purged_by_a_free();
        assert_true(purged <= SLICE_PAGES);
        slices += purged > 0;
        if (purged > 0) continue;
        wait_for_a_tick();
        assert_true(++ticks < 5);
    }
    assert_true(slices >= (PAGES - KEPT_PAGES) / SLICE_PAGES);
}

static void what_a_tick_needed_stays(void **state) {
    (void)state;
    enum { WORKING_SET = 20000 };
    pages_free(take(WORKING_SET), false);
    purge_after_free();
    for (int i = 0; i < 3; i++) {
        wait_for_a_tick();
        uint32_t page = take(WORKING_SET);
        assert_true(pages_count().dirty < KEPT_PAGES + 2);
        pages_free(page, false);
        purge_after_free();
        assert_true(pages_count().dirty >= WORKING_SET);
    }
}

static int start_it(void **state) {
    (void)state;
    return start() ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_call_returns_a_slice_and_the_next_the_rest),
        cmocka_unit_test(what_a_tick_needed_stays),
    };
    return cmocka_run_group_tests(tests, start_it, NULL);
}
