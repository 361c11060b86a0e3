/* A growing large block moves or copies its pages, and dirty pages go back to the kernel in
 * exchange for a mapping. */
#include "held.h"
#include "unit.h"

#include <string.h>

#include "base/settings.h"
#include "pages/large.h"
#include "pages/mapping.h"
#include "pages/pages.h"
#include "pages/purge.h"
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
    };
    return cmocka_run_group_tests(tests, start_and_map_nothing_small, NULL);
}
