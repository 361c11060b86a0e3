/* Blocks at the program break are safe although this program and its libc move the break too. */
#include "held.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/os.h"
#include "pages/pages.h"
#include "pages/space.h"

enum { ODD = 5 * 4096 + 24 };

static struct part *const blocks = &space.block_part;

static char *blocks_end(void) { return blocks->start + blocks->accessible; }
static size_t granules_accessible(void) { return blocks->accessible / GRANULE; }
static size_t counted(const struct page_counts *c) { return c->used + c->dirty + c->clean; }

static uint32_t take(size_t granules) {
    bool clean;
    uint32_t page = LOCKED(pages_alloc((uint32_t)granules * GRANULE_PAGES, 1, RUN_BLOCK, &clean));
    assert_int_not_equal(page, 0);
    for (size_t i = 0; i < granules; i++) memset(page_start(page) + i * GRANULE, 1, 1);
    return page;
}

/* Returns a number of granules for which the heap must grow. */
static size_t more_than_is_free(void) {
    struct page_counts now = pages_count();
    size_t unused = granules_accessible() * GRANULE_PAGES - now.top;
    return (now.dirty + now.clean + unused) / GRANULE_PAGES + 1;
}

/* Moves the break like a program with a heap of its own. The memory is filled, so that changes
 * show. */
static char *foreign_memory(size_t bytes) {
    char *start = sbrk((intptr_t)bytes);
    assert_ptr_not_equal(start, (char *)-1);
    memset(start, 2, bytes);
    return start;
}

static void assert_unchanged(const char *foreign, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) assert_int_equal(foreign[i], 2);
}

static void blocks_begin_after_the_data(void **state) {
    (void)state;
    assert_int_equal(blocks->by, GROW_BREAK);
    assert_int_equal((uintptr_t)space.base % GRANULE, 0);
    assert_ptr_equal(blocks_end(), sbrk(0));
    assert_true(space.slab_part.by == GROW_MAPPED && space.meta_part.by == GROW_MAPPED);
}

static void steps_are_whole_granules(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        take((size_t)i + 1);
        assert_ptr_equal(blocks_end(), sbrk(0));
        assert_int_equal(blocks->accessible % GRANULE, 0);
    }
}

static void memory_of_the_program_is_skipped(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 4096, ODD, GRANULE, 3 * MIB + 1, 100 * MIB};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct page_counts before = pages_count();
        size_t end = granules_accessible();
        char *foreign = foreign_memory(sizes[i]);
        take(more_than_is_free());
        assert_unchanged(foreign, sizes[i]);
        /* The hole is not counted, but the free memory before it is. */
        struct page_counts now = pages_count();
        uint64_t hole = run_tag((uint32_t)(end * GRANULE_PAGES));
        assert_int_equal(tag_kind(hole), RUN_FOREIGN);
        assert_int_equal(tag_pages(hole), (sizes[i] + GRANULE - 1) / GRANULE * GRANULE_PAGES);
        assert_int_equal(counted(&now), counted(&before) + now.top - before.top - tag_pages(hole));
        assert_ptr_equal(blocks_end(), sbrk(0));
        pages_rebuild(true);
        now = pages_count();
        assert_int_equal(counted(&now), counted(&before) + now.top - before.top - tag_pages(hole));
    }
}

static void a_break_that_moves_back_leaves_no_hole(void **state) {
    (void)state;
    size_t granules = granules_accessible();
    foreign_memory(ODD);
    sbrk(-ODD);
    assert_true(space_grow(granules + 1));
    assert_ptr_equal(blocks_end(), sbrk(0));
}

/* At the fork, another thread had moved the break but not yet counted it. */
static void an_interrupted_step_is_counted(void **state) {
    (void)state;
    size_t granules = granules_accessible();
    assert_true(os_break_move(blocks_end(), blocks_end() + MIB));
    blocks->asked_for = blocks->accessible + MIB;
    space_repair();
    assert_true(space_grow(granules + MIB / GRANULE));
    assert_int_equal(granules_accessible(), granules + MIB / GRANULE);
    assert_ptr_equal(blocks_end(), sbrk(0));
}

static void without_descriptors_the_break_goes_back(void **state) {
    (void)state;
    size_t limit = space.slab_part.limit, granules = granules_accessible();
    foreign_memory(ODD);
    char *before = (char *)round_up((uintptr_t)sbrk(0), GRANULE);
    space.slab_part.limit = space.slab_part.accessible;
    size_t many = space.slab_part.accessible / sizeof(struct slab) + 1;
    assert_int_equal(LOCKED(space_skip(many)), 0);
    assert_int_equal(granules_accessible(), granules);
    assert_ptr_equal(sbrk(0), before);
    space.slab_part.limit = limit;
}

/* This must be the last test: from then on the part grows by mappings. */
static void when_the_break_is_stuck_mappings_are_used(void **state) {
    (void)state;
    take(more_than_is_free()); /* after the memory that the previous test left */
    char *end = blocks_end(), *obstacle;
    size_t granules = granules_accessible();
    obstacle =
        mmap(end, ODD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    assert_ptr_equal(obstacle, end);
    memset(obstacle, 2, ODD);
    uint32_t page = take(more_than_is_free());
    assert_true(page_start(page) > obstacle);
    assert_int_equal(blocks->by, GROW_MAPPED);
    assert_unchanged(obstacle, ODD);
    assert_int_equal(tag_kind(run_tag((uint32_t)(granules * GRANULE_PAGES))), RUN_FOREIGN);
    assert_ptr_equal(sbrk(0), end);
    take(more_than_is_free());
}

static int start_at_the_break(void **state) {
    (void)state;
    foreign_memory(ODD); /* so that it is not aligned */
    setenv("MALLOW_OPTIONS", "backend=brk", 1);
    return space_start() ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_begin_after_the_data),
        cmocka_unit_test(steps_are_whole_granules),
        cmocka_unit_test(memory_of_the_program_is_skipped),
        cmocka_unit_test(a_break_that_moves_back_leaves_no_hole),
        cmocka_unit_test(an_interrupted_step_is_counted),
        cmocka_unit_test(without_descriptors_the_break_goes_back),
        cmocka_unit_test(when_the_break_is_stuck_mappings_are_used),
    };
    return cmocka_run_group_tests(tests, start_at_the_break, NULL);
}
