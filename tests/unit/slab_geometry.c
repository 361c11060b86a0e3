/* Every address of every granule of a slab belongs to the right slot, for every size class and many
 * colours. */
#include "held.h"
#include "unit.h"

#include <string.h>

#include "heap/fast.h"
#include "heap/find.h"
#include "heap/magazine.h"
#include "pages/space.h"

enum { SLABS = 20 };

static struct heap heap;

static uintptr_t slot_address(const struct slab *slab, uint32_t slot) {
    return (uintptr_t)slab_slot_zero(slab) + slot * slab->slot_size;
}

/* Checks that the states are some SLOT_NONE, then as many slots as fit, and at least one SLOT_NONE
 * as a guard. */
static void check_states(const struct slab *slab, unsigned size_class) {
    uintptr_t start = (uintptr_t)granule_start(slab_granule(slab));
    uintptr_t end = start + size_class_granules(size_class) * GRANULE;
    uint32_t slot = 0;
    while (slab->state[slot] == SLOT_NONE) slot++;
    assert_int_equal(slab->scan, slot);
    assert_int_equal(slab->slots - slot, slab->capacity);
    assert_in_range(slot_address(slab, slot), start, start + max_size(KIB, slab->slot_size) - 1);
    assert_in_range(slot_address(slab, slab->slots), end - slab->slot_size + 1, end);
    for (; slot < slab->slots; slot++) {
        assert_int_equal(slab->state[slot] & 0x7f, SLOT_FRESH);
        assert_int_equal(slot_address(slab, slot) % size_class_alignment(size_class), 0);
    }
    assert_true(slab->state_bytes > slab->slots);
    for (; slot < slab->state_bytes; slot++) assert_int_equal(slab->state[slot], SLOT_NONE);
    /* States are read eight at a time. */
    assert_int_equal((uintptr_t)slab->state % sizeof(uint64_t), 0);
    assert_int_equal(slab->state_bytes % sizeof(uint64_t), 0);
}

/* Compares what a free computes from a granule's descriptor with a division by the slot size. */
static void check_granule(struct slab *slab, unsigned i) {
    const struct slab *part = slab_part(slab, i);
    uintptr_t granule = (uintptr_t)granule_start(slab_granule(part));
    uintptr_t zero = (uintptr_t)slab_slot_zero(slab);
    assert_ptr_equal(slab_head(slab_part(slab, i)), slab);
    assert_ptr_equal(part->owner, &heap);
    assert_ptr_equal(part->magazine, &heap.magazine[slab->size_class]);
    assert_in_range(granule - (uintptr_t)slab_slot_zero(part), 0, slab->slot_size - 1);
    for (uintptr_t p = granule; p < granule + GRANULE; p += UNIT / 2) {
        reciprocal_pair product = reciprocal_product((uint32_t)p - part->start, part->reciprocal);
        size_t slot = (size_t)(part->state - slab->state) + reciprocal_slot(product);
        assert_int_equal(reciprocal_is_start(product, part->reciprocal),
                         (p - zero) % slab->slot_size == 0);
        assert_int_equal(slot, (p - zero) / slab->slot_size);
        assert_true(slot < slab->state_bytes);
    }
}

static void check_fresh_memory_is_zero(const struct slab *slab) {
    static const char zeros[SLOT_MAX];
    for (uint32_t slot = 0; slot < slab->slots; slot++)
        if (slab->state[slot] == SLOT_FRESH)
            assert_memory_equal((void *)slot_address(slab, slot), zeros, slab->slot_size);
}

static void every_address_belongs_to_the_right_slot(void **state) {
    (void)state;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        for (int i = 0; i < SLABS; i++) {
            struct slab *slab = slab_create(&heap, size_class);
            assert_non_null(slab);
            check_states(slab, size_class);
            for (unsigned part = 0; part < size_class_granules(size_class); part++)
                check_granule(slab, part);
            if (size_class != CLASS_ZERO && i == 0) check_fresh_memory_is_zero(slab);
        }
    }
}

/* Equal slots of different slabs are not all in the same cache sets. */
static void slabs_have_many_colours(void **state) {
    (void)state;
    for (unsigned size_class = 0; size_class_bytes(size_class) <= KIB; size_class++) {
        uint64_t seen = 0; /* a bit for each cache line of the first 4 KiB */
        for (int i = 0; i < SLABS; i++) {
            struct slab *slab = slab_create(&heap, size_class);
            uint32_t first = 0;
            while (slab->state[first] == SLOT_NONE) first++;
            seen |= (uint64_t)1 << (slot_address(slab, first) % (4 * KIB) / CACHE_LINE);
        }
        size_t step = max_size(CACHE_LINE, size_class_alignment(size_class));
        int colours = (int)min_size(SLABS, KIB / step);
        if (__builtin_popcountl(seen) < colours / 2)
            fail_msg("%d slabs of %zu bytes begin in %d ways", SLABS, size_class_bytes(size_class),
                     __builtin_popcountl(seen));
    }
}

/* In a slab whose slots are all in use, exactly the starts of slots are blocks. */
static void only_starts_of_used_slots_are_blocks(void **state) {
    (void)state;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        struct slab *slab = slab_create(&heap, size_class);
        uintptr_t start = (uintptr_t)granule_start(slab_granule(slab));
        uintptr_t end = start + size_class_granules(size_class) * GRANULE;
        uint32_t ref = 0;
        for (uintptr_t p = start; p < end; p += UNIT)
            assert_int_equal(find_block((void *)p).kind, BLOCK_NONE);
        for (uint32_t slot = 0; slot < slab->slots; slot++)
            if (slab->state[slot] != SLOT_NONE) slot_state_set(&slab->state[slot], SLOT_USED);
        for (uintptr_t p = start; p < end; p += UNIT / 2) {
            struct block_ref block = find_block((void *)p);
            if (block.kind == BLOCK_NONE) continue;
            ref++;
            assert_int_equal(block.kind, BLOCK_SLOT);
            assert_int_equal(block.size_class, size_class);
            assert_int_equal(block.usable,
                             size_class == CLASS_ZERO ? 0 : size_class_bytes(size_class));
            assert_ptr_equal(slab_head(block.slab), slab);
            assert_int_equal(slot_address(slab, (uint32_t)(block.state - slab->state)), p);
        }
        assert_int_equal(ref, slab->capacity);
    }
}

static int start_heap(void **state) {
    (void)state;
    magazines_init(&heap);
    hold_heap(&heap);
    return space_start() ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_address_belongs_to_the_right_slot),
        cmocka_unit_test(slabs_have_many_colours),
        cmocka_unit_test(only_starts_of_used_slots_are_blocks),
    };
    return cmocka_run_group_tests(tests, start_heap, NULL);
}
