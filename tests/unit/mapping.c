/* The table of mappings finds thousands of blocks, does not fill up with removed ones, and serves
 * several threads at once. */
#include "threads.h"

#include "unit.h"

#include <string.h>

#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/os.h"
#include "pages/mapping.h"
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

static void resize(struct block *block) {
    size_t page = os_page_size(), bytes = page * (1 + random_below(&seed, 16));
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
        cmocka_unit_test(only_a_start_is_a_block),
        cmocka_unit_test(an_address_inside_finds_its_block),
        cmocka_unit_test(no_more_mappings_than_allowed),
        cmocka_unit_test(sizes_that_are_too_large_are_refused),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, start_heap, NULL);
}
