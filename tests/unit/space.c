/* The address space grows with pads that are too large, around foreign mappings, and after a fork
 * in the middle of a step. On request it has huge pages. */
#include "held.h"
#include "unit.h"

#include <string.h>
#include <sys/mman.h>

#include "advised.h"
#include "os/os.h"
#include "pages/space.h"

static char *blocks_end(void) { return space.block_part.start + space.block_part.accessible; }

static size_t granules_accessible(void) { return space.block_part.accessible / GRANULE; }

static void a_pad_that_overflows_is_cut(void **state) {
    (void)state;
    size_t before = space.top_pad, granules = granules_accessible() + 1;
    space.top_pad = SIZE_MAX - (granules - 1) * GRANULE; /* the sum is one granule */
    assert_true(space_grow(granules));
    space.top_pad = before;
    assert_true(granules_accessible() >= granules);
    memset(granule_start(granules - 1), 1, GRANULE);
}

static void foreign_mappings_are_skipped(void **state) {
    (void)state;
    char *end = blocks_end();
    char *foreign = mmap(end, GRANULE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_ptr_equal(foreign, end);
    memset(foreign, 1, GRANULE);
    assert_false(space_grow(granules_accessible() + 1));
    size_t next = LOCKED(space_skip(3));
    assert_true(granule_start(next) >= foreign + GRANULE);
    assert_true(next + 3 <= space.granules);
    memset(granule_start(next), 2, 3 * GRANULE);
    for (size_t i = 0; i < GRANULE; i++) assert_int_equal(foreign[i], 1);
    assert_true(space_grow(space.granules + 1));
}

/* At the fork, another thread had mapped the step but not yet counted it. */
static void an_interrupted_step_is_repeated(void **state) {
    (void)state;
    struct part *part = &space.block_part;
    assert_int_equal(os_extend(blocks_end(), MIB), OS_EXTENDED);
    assert_false(space_grow(granules_accessible() + 1));
    part->asked_for = part->accessible + MIB;
    space_repair();
    assert_true(space_grow(granules_accessible() + 1));
}

/* The memory that was accessible before has huge pages, and so has new memory. Descriptors have
 * none, because they are small. */
static void all_blocks_have_huge_pages(void **state) {
    (void)state;
    if (!huge_pages_exist()) skip();
    char *before = granule_start(0);
    assert_false(is_advised(before));
    space_use_huge_pages();
    assert_true(is_advised(before));
    char *next = blocks_end();
    assert_true(space_grow(granules_accessible() + 1));
    assert_true(is_advised(next));
    assert_false(is_advised(space.slabs));
    assert_false(is_advised(space.meta_part.start));
}

/* A foreign mapping at the same place must not be unmapped. */
static void a_refused_step_is_not_undone(void **state) {
    (void)state;
    char *end = blocks_end();
    char *foreign = mmap(end, GRANULE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_ptr_equal(foreign, end);
    assert_false(space_grow(granules_accessible() + 1));
    space_repair();
    memset(foreign, 1, GRANULE);
    munmap(foreign, GRANULE);
}

static int start_without_reservation(void **state) {
    (void)state;
    return space_choose(false) && space.block_part.by == GROW_MAPPED ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pad_that_overflows_is_cut),
        cmocka_unit_test(foreign_mappings_are_skipped),
        cmocka_unit_test(all_blocks_have_huge_pages),
        cmocka_unit_test(an_interrupted_step_is_repeated),
        cmocka_unit_test(a_refused_step_is_not_undone),
    };
    return cmocka_run_group_tests(tests, start_without_reservation, NULL);
}
