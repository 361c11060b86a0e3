/* Memory near a limit is noticed once for each level, whatever the limit is, and few files are read
 * as long as it is far away. */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/settings.h"
#include "os/cgroup.h"
#include "os/os.h"
#include "profile/profile_limit.h"

#define MIB_BYTES ((size_t)1 << 20)

static struct {
    size_t group_limit, data_limit, space_limit;
    size_t group_used, space, resident, data;
    unsigned group_reads, use_reads;
} now;

long __real_os_read_file(const char *path, char *buffer, size_t bytes);
long __wrap_os_read_file(const char *path, char *buffer, size_t bytes);
long __wrap_os_read_file(const char *path, char *buffer, size_t bytes) {
    if (strcmp(path, "/proc/self/statm") != 0) return __real_os_read_file(path, buffer, bytes);
    now.use_reads++;
    size_t page = os_page_size();
    return snprintf(buffer, bytes, "%zu %zu 77 88 0 %zu 0\n", now.space / page, now.resident / page,
                    now.data / page);
}

struct cgroup_memory __wrap_cgroup_memory_by(struct cgroup_buffers *buffers);
struct cgroup_memory __wrap_cgroup_memory_by(struct cgroup_buffers *buffers) {
    assert_non_null(buffers);
    now.group_reads++;
    if (now.group_limit == SIZE_MAX) return (struct cgroup_memory){SIZE_MAX, SIZE_MAX};
    return (struct cgroup_memory){now.group_limit, now.group_limit - now.group_used};
}

size_t __wrap_os_data_limit(void);
size_t __wrap_os_data_limit(void) { return now.data_limit; }
size_t __wrap_os_address_limit(void);
size_t __wrap_os_address_limit(void) { return now.space_limit; }

static int begin(void **state) {
    (void)state;
    memset(&now, 0, sizeof now);
    now.group_limit = now.data_limit = now.space_limit = SIZE_MAX;
    settings.sample = 512 * 1024;
    return 0;
}

/* Allocates in steps of a sample, so that `*used` grows from 0 to the limit. Stores how much was in
 * use at each level. Returns the number of levels. */
static unsigned grow(size_t *used, size_t limit, size_t size, size_t *levels) {
    unsigned count = 0;
    profile_limit_start();
    while (*used < limit) {
        if (profile_limit_reached(size, false)) {
            assert_true(count < 2);
            levels[count++] = *used;
        }
        *used += size;
        now.resident += size;
    }
    return count;
}

static void check_levels(unsigned count, const size_t *levels, size_t limit) {
    assert_int_equal(count, 2);
    assert_in_range(levels[0], limit / 1000 * 880, limit / 1000 * 925);
    assert_in_range(levels[1], limit / 1000 * 950, limit / 1000 * 985);
}

static void each_limit_has_two_levels(void **state) {
    (void)state;
    struct {
        size_t *limit, *used;
    } cases[] = {{&now.group_limit, &now.group_used},
                 {&now.data_limit, &now.data},
                 {&now.space_limit, &now.space}};
    for (unsigned i = 0; i < 3; i++) {
        for (size_t limit = 64 * MIB_BYTES; limit <= 4096 * MIB_BYTES; limit *= 4) {
            size_t levels[2];
            begin(NULL);
            *cases[i].limit = limit;
            unsigned count = grow(cases[i].used, limit, settings.sample, levels);
            check_levels(count, levels, limit);
            assert_in_range(now.group_reads, 2, 200);
        }
    }
}

/* A block that does not fit is noticed before the program touches it. */
static void a_large_block_is_noticed_at_once(void **state) {
    (void)state;
    now.group_limit = 1000 * MIB_BYTES;
    profile_limit_start();
    assert_false(profile_limit_reached(500 * MIB_BYTES, false));
    assert_true(profile_limit_reached(950 * MIB_BYTES, false));
    assert_false(profile_limit_reached(950 * MIB_BYTES, false));
    assert_true(profile_limit_reached(999 * MIB_BYTES, false));
}

/* Memory that goes up and down near a level does not cause a snapshot each time. */
static void a_level_counts_again_after_calm(void **state) {
    (void)state;
    now.group_limit = 1000 * MIB_BYTES;
    profile_limit_start();
    now.group_used = 910 * MIB_BYTES;
    assert_true(profile_limit_reached(0, true));
    for (int i = 0; i < 10; i++) {
        now.group_used = (i % 2 == 0 ? 850 : 930) * MIB_BYTES;
        assert_false(profile_limit_reached(0, true));
    }
    now.group_used = 700 * MIB_BYTES;
    assert_false(profile_limit_reached(0, true));
    now.group_used = 990 * MIB_BYTES;
    assert_true(profile_limit_reached(0, true));
    assert_false(profile_limit_reached(0, true));
}

/* Allocating and freeing the same memory reads few files. */
static void churn_is_cheap(void **state) {
    (void)state;
    now.group_limit = 1024 * MIB_BYTES;
    now.group_used = 600 * MIB_BYTES;
    profile_limit_start();
    for (int i = 0; i < 100000; i++) assert_false(profile_limit_reached(512 * 1024, false));
    assert_in_range(now.group_reads, 1, 10);
    assert_in_range(now.use_reads, 1, 2000);
}

static void without_limits_nothing_is_read(void **state) {
    (void)state;
    profile_limit_start();
    now.use_reads = 0;
    for (int i = 0; i < 100000; i++) assert_false(profile_limit_reached(100 * MIB_BYTES, false));
    assert_int_equal(now.use_reads, 0);
}

/* The heap has reserved most of the address space that it may have. */
static void a_reserve_is_not_in_use(void **state) {
    (void)state;
    now.space_limit = 1000 * MIB_BYTES;
    now.space = 950 * MIB_BYTES;
    profile_limit_start();
    assert_false(profile_limit_reached(0, true));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_limit_has_two_levels, begin),
        cmocka_unit_test_setup(a_large_block_is_noticed_at_once, begin),
        cmocka_unit_test_setup(a_level_counts_again_after_calm, begin),
        cmocka_unit_test_setup(churn_is_cheap, begin),
        cmocka_unit_test_setup(without_limits_nothing_is_read, begin),
        cmocka_unit_test_setup(a_reserve_is_not_in_use, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
