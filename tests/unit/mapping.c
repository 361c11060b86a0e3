/* The table of mappings finds thousands of blocks, does not fill up with removed ones, and serves
 * several threads at once. */
#include "threads.h"

#include "unit.h"

#include <string.h>

#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "mapped_page.h"
#include "os/os.h"
#include "pages/mapping.h"
#include "pages/mapping_place.h"
#include "pages/meta.h"
#include "pages/space.h"
#include "pattern.h"
#include "random.h"
#include "start_heap.h"

enum { BLOCKS = 5000, PIECE = 64 /* bytes written at both ends of a block */ };

static struct block {
    char *start;
    size_t bytes;
    uint64_t key;
} blocks[BLOCKS];

static uint64_t seed = 1;

static void write_ends(struct block *block) {
    block->key = pattern_key(block->start, block->bytes, 1);
    pattern_fill(block->start, PIECE, block->key);
    pattern_fill(block->start + block->bytes - PIECE, PIECE, ~block->key);
}

static void check_block(const struct block *block) {
    assert_int_equal(mapping_usable(block->start), block->bytes);
    assert_true(pattern_holds(block->start, PIECE, block->key));
    assert_true(pattern_holds(block->start + block->bytes - PIECE, PIECE, ~block->key));
}

static void check_counts(void) {
    struct mapping_counts expected = {0}, now = mapping_count();
    for (int i = 0; i < BLOCKS; i++) {
        if (blocks[i].start == NULL) continue;
        expected.count++;
        expected.bytes += blocks[i].bytes;
    }
    assert_int_equal(now.count, expected.count);
    assert_int_equal(now.bytes, expected.bytes);
    assert_true(now.count_max >= now.count && now.bytes_max >= now.bytes);
}

static void allocate(struct block *block, size_t align) {
    size_t bytes = 1 + random_below(&seed, 8 * os_page_size());
    block->bytes = round_up(bytes, os_page_size());
    block->start = mapping_alloc(bytes, align);
    assert_non_null(block->start);
    assert_int_equal((uintptr_t)block->start % align, 0);
    assert_int_equal(block->start[0] | block->start[block->bytes - 1], 0);
    write_ends(block);
    check_block(block);
}

static void release(struct block *block) {
    check_block(block);
    assert_true(mapping_free(block->start));
    assert_int_equal(mapping_usable(block->start), 0);
    assert_false(mapping_free(block->start));
    block->start = NULL;
}

static void resize_to(struct block *block, size_t bytes) {
    char *moved = mapping_resize(block->start, bytes);
    assert_non_null(moved);
    if (moved != block->start) assert_int_equal(mapping_usable(block->start), 0);
    assert_true(pattern_holds(moved, PIECE, block->key));
    if (bytes >= block->bytes)
        assert_true(pattern_holds(moved + block->bytes - PIECE, PIECE, ~block->key));
    *block = (struct block){moved, bytes, 0};
    write_ends(block);
    check_block(block);
}

static void resize(struct block *block) {
    resize_to(block, os_page_size() * (1 + random_below(&seed, 16)));
}

static void grow(struct block *block) {
    resize_to(block, block->bytes + os_page_size() * (1 + random_below(&seed, 3)));
}

static void release_all(void) {
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].start != NULL) release(&blocks[i]);
    check_counts();
}

static void thousands_of_blocks_are_found(void **state) {
    (void)state;
    for (int i = 0; i < BLOCKS; i++) allocate(&blocks[i], UNIT);
    for (int i = 0; i < BLOCKS; i++) check_block(&blocks[i]);
    check_counts();
    assert_int_equal(mapping_count().count_max, BLOCKS);
    release_all();
}

/* Larger pages cost the kernel more time, so there are fewer steps. */
static int steps(void) { return os_page_size() > 4 * KIB ? 3000 : 8000; }

static void random_steps_agree_with_the_model(void **state) {
    (void)state;
    for (int i = 0; i < steps(); i++) {
        struct block *block = &blocks[random_below(&seed, 500)];
        if (block->start == NULL)
            allocate(block, UNIT);
        else if (random_below(&seed, 3) == 0)
            resize(block);
        else
            release(block);
        if (i % 500 == 0) check_counts();
    }
    release_all();
}

static void removed_blocks_do_not_fill_the_table(void **state) {
    (void)state;
    allocate(&blocks[0], UNIT);
    size_t used = meta_bytes_used();
    for (int i = 0; i < steps(); i++) {
        allocate(&blocks[1], UNIT);
        release(&blocks[1]);
    }
    assert_true(meta_bytes_used() - used < 64 * KIB);
    check_block(&blocks[0]);
    release_all();
}

static void blocks_are_aligned(void **state) {
    (void)state;
    for (size_t align = UNIT; align <= 64 * MIB; align *= 2)
        for (int i = 0; i < 4; i++) allocate(&blocks[i], align), release(&blocks[i]);
}

static bool has_gap(const struct block *block) {
    return !page_is_mapped(block->start + block->bytes);
}

static void nothing_is_mapped_after_a_block(void **state) {
    (void)state;
    for (int i = 0; i < 400; i++)
        allocate(&blocks[i], (size_t)UNIT << (random_below(&seed, 4) * 5));
    for (int i = 0; i < 400; i++) assert_true(has_gap(&blocks[i]));
    for (int i = 0; i < 400; i++)
        for (int times = 0; times < 5; times++) {
            grow(&blocks[i]);
            assert_true(has_gap(&blocks[i]));
        }
    for (int i = 0; i < 400; i++) assert_true(has_gap(&blocks[i]));
    release_all();
}

/* A quarter of the block is free, so that a wrong index meets no other block. */
static void a_gap_is_as_long_as_a_quarter_of_its_block(void **state) {
    (void)state;
    for (size_t bytes = 256 * KIB; bytes <= 64 * MIB; bytes *= 2) {
        char *block[2] = {mapping_alloc(bytes, UNIT), mapping_alloc(bytes, UNIT)};
        for (int i = 0; i < 2; i++) {
            assert_true(mapping_place_contains(block[i]));
            assert_true(!page_is_mapped(block[i] + bytes + bytes / 4));
            assert_int_equal(bytes < 2 * MIB ? 0 : (uintptr_t)block[i] % (2 * MIB), 0);
        }
        for (int i = 0; i < 2; i++) assert_true(mapping_free(block[i]));
    }
}

static void addresses_are_not_used_again(void **state) {
    (void)state;
    allocate(&blocks[0], UNIT);
    char *gone = blocks[0].start;
    release(&blocks[0]);
    for (int i = 1; i < 1000; i++) {
        allocate(&blocks[i], UNIT);
        assert_true(blocks[i].start != gone);
        release(&blocks[i]);
    }
}

static void distances_cannot_be_predicted(void **state) {
    (void)state;
    char *last = mapping_alloc(MIB, UNIT);
    ptrdiff_t first = 0;
    int differ = 0;
    for (int i = 0; i < 20; i++) {
        char *next = mapping_alloc(MIB, UNIT);
        if (i == 0) first = last - next;
        differ += last - next != first;
        assert_true(mapping_free(last));
        last = next;
    }
    assert_true(mapping_free(last));
    assert_true(differ > 5);
}

/* Each block would be a mapping of its own for the kernel, and the process would run out of them.
 */
static void too_many_blocks_have_no_gaps(void **state) {
    enum { MANY = 9000 };
    static char *many[MANY];
    size_t page = os_page_size(), gaps = 0;
    (void)state;
    for (int i = 0; i < MANY; i++) assert_non_null(many[i] = mapping_alloc(page, UNIT));
    for (int i = 0; i < MANY; i++) gaps += mapping_place_contains(many[i]);
    for (int i = 0; i < MANY; i++) assert_true(mapping_free(many[i]));
    assert_int_equal(gaps, 8192);
}

static void an_address_in_a_gap_finds_its_block(void **state) {
    (void)state;
    struct mapping found;
    char *above = mapping_alloc(MIB, UNIT), *below = mapping_alloc(MIB, UNIT);
    assert_true(mapping_beside(below + MIB, &found) && found.block == below);
    assert_true(mapping_beside(below + MIB + 100 * KIB, &found) && found.block == below);
    assert_true(mapping_beside(above - 1, &found) && found.block == above);
    assert_true(mapping_beside(below - 1, &found) && found.block == below);
    assert_false(mapping_beside(below, &found));
    assert_false(mapping_beside(below + MIB - 1, &found));
    assert_false(mapping_beside(below - MIB / 2, &found));
    assert_true(mapping_free(above) && mapping_free(below));
    assert_false(mapping_beside(below + MIB, &found));
}

static void only_a_start_is_a_block(void **state) {
    (void)state;
    allocate(&blocks[0], UNIT);
    char *start = blocks[0].start;
    size_t page = os_page_size();
    const void *const others[] = {NULL,      (void *)1,    start + 1,    start + UNIT,
                                  start - 1, start - page, start + page, &seed};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(mapping_usable(others[i]), 0);
        assert_false(mapping_free((void *)(uintptr_t)others[i]));
        assert_null(mapping_resize((void *)(uintptr_t)others[i], page));
    }
    check_block(&blocks[0]);
    release_all();
}

static void an_address_inside_finds_its_block(void **state) {
    (void)state;
    struct mapping found;
    for (int i = 0; i < 100; i++) allocate(&blocks[i], i % 2 == 0 ? UNIT : 64 * KIB);
    for (int i = 0; i < 100; i++) {
        assert_true(mapping_around(blocks[i].start + blocks[i].bytes - 1, &found));
        assert_ptr_equal(found.block, blocks[i].start);
        assert_true(mapping_around(blocks[i].start, &found));
        assert_ptr_equal(found.block, blocks[i].start);
    }
    assert_false(mapping_around(&seed, &found));
    char *gone = blocks[0].start;
    release(&blocks[0]);
    assert_false(mapping_around(gone, &found));
    release_all();
}

static void no_more_mappings_than_allowed(void **state) {
    (void)state;
    size_t allowed = settings.mmap_max;
    settings.mmap_max = 3;
    for (int i = 0; i < 3; i++) allocate(&blocks[i], UNIT);
    assert_null(mapping_alloc(1, UNIT));
    check_counts();
    settings.mmap_max = allowed;
    release_all();
}

static void sizes_that_are_too_large_are_refused(void **state) {
    (void)state;
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 4096, PTRDIFF_MAX, PTRDIFF_MAX - 4096,
                                   (size_t)1 << 47};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_null(mapping_alloc(sizes[i], UNIT));
        assert_null(mapping_alloc(sizes[i], (size_t)1 << 46));
    }
    check_counts();
}

/* The threads use the same tables, entries and addresses over and over. */
enum { THREADS = 4, THREAD_BLOCKS = 200, THREAD_STEPS = 1500 };

static void *step_alone(void *number) {
    struct block own[THREAD_BLOCKS] = {{0}};
    uint64_t random = (uintptr_t)number;
    for (int i = 0; i < THREAD_STEPS; i++) {
        struct block *block = &own[random_below(&random, THREAD_BLOCKS)];
        size_t bytes = os_page_size() * (1 + random_below(&random, 8));
        uint64_t key = (uintptr_t)number << 32 | (uintptr_t)i;
        if (block->start != NULL) {
            assert_true(mapping_usable(block->start) == block->bytes);
            assert_true(memcmp(block->start, &block->key, sizeof block->key) == 0);
        }
        if (block->start != NULL && random_below(&random, 2) == 0) {
            assert_true(mapping_free(block->start));
            block->start = NULL;
            continue;
        }
        block->start =
            block->start == NULL ? mapping_alloc(bytes, UNIT) : mapping_resize(block->start, bytes);
        assert_true(block->start != NULL);
        block->bytes = bytes;
        block->key = key;
        memcpy(block->start, &key, sizeof key);
    }
    for (int i = 0; i < THREAD_BLOCKS; i++)
        if (own[i].start != NULL) assert_true(mapping_free(own[i].start));
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state) {
    pthread_t threads[THREADS];
    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++) threads[i] = start_thread(step_alone, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
    check_counts();
    uint32_t of_all = 0;
    struct mapping_counts counts = mapping_count();
    for (unsigned i = 0; i < MAPPING_DOUBLINGS; i++) of_all += counts.of_doubling[i];
    assert_int_equal(of_all, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_of_blocks_are_found),
        cmocka_unit_test(random_steps_agree_with_the_model),
        cmocka_unit_test(removed_blocks_do_not_fill_the_table),
        cmocka_unit_test(blocks_are_aligned),
        cmocka_unit_test(nothing_is_mapped_after_a_block),
        cmocka_unit_test(a_gap_is_as_long_as_a_quarter_of_its_block),
        cmocka_unit_test(addresses_are_not_used_again),
        cmocka_unit_test(distances_cannot_be_predicted),
        cmocka_unit_test(too_many_blocks_have_no_gaps),
        cmocka_unit_test(an_address_in_a_gap_finds_its_block),
        cmocka_unit_test(only_a_start_is_a_block),
        cmocka_unit_test(an_address_inside_finds_its_block),
        cmocka_unit_test(no_more_mappings_than_allowed),
        cmocka_unit_test(sizes_that_are_too_large_are_refused),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, start_heap, NULL);
}
