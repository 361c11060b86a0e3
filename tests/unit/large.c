/* A growing large block moves or copies its pages, dirty pages go back to the kernel in
 * exchange for a mapping, and the pages of a freed mapping become dirty pages. */
#include "held.h"
#include "unit.h"

#include <string.h>
#include <sys/mman.h>

#include "base/settings.h"
#include "pages/large.h"
#include "pages/mapping.h"
#include "pages/pages.h"
#include "pages/purge.h"
#include "pages/purge_runs.h"
#include "pages/space.h"
#include "pattern.h"

static char *run_of_bytes(size_t bytes) {
    bool zeroed;
    char *p = large_alloc(bytes, 1, &zeroed);
    assert_non_null(p);
    return p;
}

static char *grown(char *p, size_t from, size_t to) {
    uint64_t key = pattern_key(p, from, 1);
    pattern_fill(p, from, key);
    char *moved = large_resize(p, to);
    assert_non_null(moved);
    assert_true(pattern_holds(moved, from, key));
    assert_true(max_size(large_usable(moved), mapping_usable(moved)) >= to);
    return moved;
}

/* No free memory follows the block, and no dirty run is large enough: the block's pages move, and
 * none of them stays. */
static void growth_into_fresh_pages_moves_the_old_ones(void **state) {
    (void)state;
    const size_t bytes = 16 * MIB;
    char *p = run_of_bytes(bytes), *wall = run_of_bytes(64 * KIB);
    size_t dirty = pages_count().dirty;
    char *moved = grown(p, bytes, 3 * bytes);
    assert_ptr_not_equal(moved, p);
    assert_int_equal(pages_count().dirty, dirty);
    for (size_t i = 0; i < bytes; i += RUN_PAGE) assert_int_equal(p[i], 0);
    assert_true(mapping_free(moved) && large_free(wall));
}

static void growth_into_dirty_pages_copies(void **state) {
    (void)state;
    const size_t bytes = 1 * MIB;
    char *p = run_of_bytes(bytes), *wall = run_of_bytes(64 * KIB);
    char *room = run_of_bytes(4 * bytes), *end = run_of_bytes(64 * KIB);
    memset(room, 1, 4 * bytes);
    assert_true(large_free(room));
    char *moved = grown(p, bytes, 3 * bytes);
    assert_ptr_equal(moved, room);
    assert_true(large_free(moved) && large_free(wall) && large_free(end));
}

static void a_mapping_takes_the_place_of_dirty_pages(void **state) {
    (void)state;
    const size_t bytes = 48 * MIB;
    char *p = run_of_bytes(bytes);
    memset(p, 1, bytes);
    assert_true(large_free(p));
    char *mapping = run_of_bytes(settings.mmap_threshold);
    assert_int_equal(pages_count().used, 0);
    assert_true(pages_count().dirty <= 8 * MIB / RUN_PAGE);
    assert_true(mapping_free(mapping));
}

static void purge_everything(void) {
    LOCKED(pages_settle());
    LOCKED(while (purge_runs_dirty(SIZE_MAX) != 0) continue);
}

/* While more clean pages are free, none are adopted. */
static void use_clean_pages(void) {
    while (pages_count().clean > pages_count().used) run_of_bytes(MIB);
}

static char *written_mapping(size_t bytes) {
    char *p = mapping_alloc(bytes, 1);
    assert_non_null(p);
    memset(p, 0x5a, mapping_usable(p));
    return p;
}

static bool is_mapped(char *p) { return msync(p, RUN_PAGE, MS_ASYNC) == 0; }

static size_t dirty_after_free(char *mapping) {
    assert_true(large_free_mapping(mapping));
    assert_false(large_free_mapping(mapping));
    assert_int_equal(mapping_usable(mapping), 0);
    assert_false(is_mapped(mapping));
    LOCKED(pages_settle());
    return pages_count().dirty;
}

/* Runs serve blocks of this size, so the pages of a mapping stay for them, without its address. The
 * program may have protected them. */
static void pages_of_a_freed_mapping_serve_runs(void **state) {
    (void)state;
    if (space.block_part.by != GROW_MAPPED) skip();
    purge_everything();
    use_clean_pages();
    char *mapping = written_mapping(MIB + 1);
    size_t bytes = mapping_usable(mapping), whole = bytes & ~(GRANULE - 1);
    assert_int_equal(mprotect(mapping, bytes, PROT_READ), 0);
    assert_int_equal(dirty_after_free(mapping), whole / RUN_PAGE);
    char *run = run_of_bytes(whole);
    for (size_t i = 0; i < whole; i++) assert_int_equal(run[i], 0x5a);
    memset(run, 0, whole);
    assert_true(large_free(run));
}

static void mappings_that_may_not_be_kept_are_unmapped(void **state) {
    (void)state;
    purge_everything();
    settings.mmap_threshold = SIZE_MAX;
    assert_int_equal(dirty_after_free(mapping_alloc(1024 * MIB, 1)), 0);
    settings.mmap_threshold = 64 * MIB;
}

/* Later blocks of this size get a mapping too, or at least those that the threshold follows. */
static void mappings_from_the_threshold_on_are_unmapped(void **state) {
    (void)state;
    purge_everything();
    use_clean_pages();
    settings.mmap_threshold = 1 * MIB;
    assert_int_equal(dirty_after_free(written_mapping(1 * MIB)), 0);
    assert_int_equal(settings.mmap_threshold, 2 * MIB);
    settings.mmap_threshold = 64 * MIB;
}

/* Adopted pages take new addresses, while the clean ones stay free. */
static void adoption_ends_while_many_clean_pages_are_free(void **state) {
    (void)state;
    size_t top = 0;
    for (int i = 0; i < 100; i++) {
        top = pages_count().top;
        dirty_after_free(written_mapping(4 * MIB));
        purge_everything();
    }
    assert_int_equal(pages_count().top, top);
}

static int start_and_map_nothing_small(void **state) {
    (void)state;
    if (!space_start()) return -1;
    settings.mmap_threshold = 64 * MIB;
    LOCKED(pages_settle());
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_into_dirty_pages_copies),
        cmocka_unit_test(a_mapping_takes_the_place_of_dirty_pages),
        cmocka_unit_test(growth_into_fresh_pages_moves_the_old_ones),
        cmocka_unit_test(pages_of_a_freed_mapping_serve_runs),
        cmocka_unit_test(mappings_that_may_not_be_kept_are_unmapped),
        cmocka_unit_test(mappings_from_the_threshold_on_are_unmapped),
        cmocka_unit_test(adoption_ends_while_many_clean_pages_are_free),
    };
    return cmocka_run_group_tests(tests, start_and_map_nothing_small, NULL);
}
