/* Few guarded blocks are chosen without a limit, many at a pace of 1,000 a second. */
#include "unit.h"

#include "guard/guard_pace.h"

static int64_t now = 1000000000;

int64_t __wrap_os_coarse_ns(void);
int64_t __wrap_os_coarse_ns(void) { return now; }

static unsigned allowed(unsigned tries) {
    unsigned count = 0;
    for (unsigned i = 0; i < tries; i++) count += guard_pace_allows(5000);
    return count;
}

static void blocks_follow_the_pace(void **state) {
    (void)state;
    assert_in_range(allowed(10000), GUARD_PACE_BURST, GUARD_PACE_BURST + 1);
    assert_int_equal(allowed(10000), 0);
    unsigned count = 0;
    for (int tick = 0; tick < 1000; tick++) { /* 4 s */
        now += 4000000;
        count += allowed(100);
    }
    assert_in_range(count, 3999, 4001);
    now += 50000000;
    assert_in_range(allowed(10000), 49, 51);
    now += (int64_t)3600 * 1000000000;
    assert_in_range(allowed(10000), GUARD_PACE_BURST, GUARD_PACE_BURST + 1);
}

static void a_small_interval_has_no_pace(void **state) {
    (void)state;
    allowed(10000);
    for (int i = 0; i < 10000; i++) assert_true(guard_pace_allows(GUARD_PACE_FROM - 1));
    assert_int_equal(allowed(10), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_follow_the_pace),
        cmocka_unit_test(a_small_interval_has_no_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
