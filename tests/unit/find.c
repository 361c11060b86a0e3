/* find_block recognizes blocks of every kind from the metadata alone, and rejects all other
 * addresses. */
#include "unit.h"

#include <sys/mman.h>

#include "heap/find.h"
#include "mallow.h"
#include "random.h"

enum { BLOCKS = 3000 };

static void *blocks[BLOCKS];

static void check(void *block, size_t size, enum block_kind kind) {
    struct block_ref ref = find_block(block);
    assert_int_equal(ref.kind, kind);
    assert_ptr_equal(ref.start, block);
    assert_true(ref.usable >= size);
    assert_int_equal(find_block((char *)block + 1).kind, BLOCK_NONE);
    assert_int_equal(find_block((char *)block + UNIT / 2).kind, BLOCK_NONE);
    if (ref.usable > UNIT) assert_int_equal(find_block((char *)block + UNIT).kind, BLOCK_NONE);
}

static void check_gone(void *block) {
    mallow_free(block);
    assert_int_equal(find_block(block).kind, BLOCK_NONE);
}

/* A thread's first blocks of a size class are in granules of mixed sizes, and later ones in a
 * slab. */
static void first_blocks_are_shared_and_later_ones_slots(void **state) {
    (void)state;
    for (int i = 0; i < BLOCKS; i++) assert_non_null(blocks[i] = mallow_malloc(100));
    check(blocks[0], 100, BLOCK_SHARED);
    check(blocks[BLOCKS - 1], 100, BLOCK_SLOT);
    for (int i = 0; i < BLOCKS; i++) check_gone(blocks[i]);
}

static void larger_blocks_are_runs_and_mappings(void **state) {
    (void)state;
    void *run = mallow_malloc(SLOT_MAX + 1), *mapping = mallow_malloc(64 * MIB);
    check(run, SLOT_MAX + 1, BLOCK_RUN);
    check(mapping, 64 * MIB, BLOCK_MAPPING);
    assert_int_equal(find_block((char *)run + RUN_PAGE).kind, BLOCK_NONE);
    assert_int_equal(find_block((char *)mapping + RUN_PAGE).kind, BLOCK_NONE);
    check_gone(run);
    check_gone(mapping);
}

static void a_block_of_no_bytes_is_a_block(void **state) {
    (void)state;
    void *block = mallow_malloc(0);
    check(block, 0, BLOCK_SLOT);
    assert_int_equal(find_block(block).usable, 0);
    check_gone(block);
}

static void other_addresses_are_no_blocks(void **state) {
    (void)state;
    static int data;
    void *mapped = mmap(NULL, GRANULE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uintptr_t addresses[] = {
        0,
        1,
        UNIT,
        UINTPTR_MAX,
        UINTPTR_MAX - UNIT + 1,
        (uintptr_t)1 << 63,
        0xdeadbeefdeadbee0,
        (uintptr_t)&data,
        (uintptr_t)&state,
        (uintptr_t)mapped,
        (uintptr_t)space.slabs,
        (uintptr_t)space.meta_part.start,
        (uintptr_t)space.base,
        (uintptr_t)space.base - UNIT,
        (uintptr_t)granule_start(space.granules) - UNIT,
        (uintptr_t)granule_start(space.granules),
    };
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        if (find_block((void *)addresses[i]).kind != BLOCK_NONE)
            fail_msg("%p is taken for a block", (void *)addresses[i]);
}

/* With blocks of all kinds in the heap, exactly their first addresses are blocks. */
static void only_starts_of_blocks_are_blocks(void **state) {
    (void)state;
    uint64_t seed = 1;
    size_t ref = 0, bytes = 0;
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = mallow_malloc(1 + random_below(&seed, (size_t)16 << random_below(&seed, 13)));
    for (size_t granule = 0; granule < space.granules; granule++)
        for (char *p = granule_start(granule); p < granule_start(granule + 1); p += UNIT) {
            struct block_ref block = find_block(p);
            if (block.kind == BLOCK_NONE) continue;
            ref++;
            bytes += block.usable;
        }
    for (int i = 0; i < BLOCKS; i++) {
        if (find_block(blocks[i]).kind == BLOCK_MAPPING) continue;
        ref--;
        bytes -= find_block(blocks[i]).usable;
    }
    assert_int_equal(ref, 0);
    assert_int_equal(bytes, 0);
    for (int i = 0; i < BLOCKS; i++) check_gone(blocks[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_blocks_are_shared_and_later_ones_slots),
        cmocka_unit_test(larger_blocks_are_runs_and_mappings),
        cmocka_unit_test(a_block_of_no_bytes_is_a_block),
        cmocka_unit_test(other_addresses_are_no_blocks),
        cmocka_unit_test(only_starts_of_blocks_are_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
