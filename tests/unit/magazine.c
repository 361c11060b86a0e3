/* Magazines grow up to their limits, return the oldest slots first, and keep their entries while
 * they change. */
#include "held.h"
#include "unit.h"

#include <string.h>

#include "base/settings.h"
#include "heap/fast.h"
#include "heap/magazine.h"
#include "heap/mode.h"
#include "heap/slab.h"
#include "pages/pages.h"
#include "pages/space.h"

enum {
    GROWTHS = 400,
    ENTRIES = 1024,
    CLASS_BYTES = 64 * KIB,
    HEAP_BYTES = 2048 * KIB,
    SLABS = 640
};

static struct heap heap;

static void grow_fully(unsigned size_class) {
    for (int i = 0; i < GROWTHS; i++) magazine_grow(&heap, size_class);
}

static size_t room(unsigned size_class) {
    const struct magazine *magazine = &heap.magazine[size_class];
    return (size_t)(magazine->limit - magazine->top) - 1;
}

/* Pushes a slot that belongs to no slab. */
static void push(unsigned size_class, uintptr_t slot) {
    struct magazine *magazine = &heap.magazine[size_class];
    assert_true(room(size_class) > 0);
    *++magazine->top = (struct magazine_entry){(char *)slot, NULL};
}

static void new_magazines_are_empty_and_full(void **state) {
    (void)state;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        assert_int_equal(magazine_count(&heap, size_class), 0);
        assert_int_equal(room(size_class), 0);
        assert_null(heap.magazine[size_class].top->slot);
        assert_int_equal(magazine_want(&heap, size_class), 0);
    }
}

static void magazines_hold_what_the_header_allows(void **state) {
    (void)state;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        grow_fully(size_class);
        size_t slots = room(size_class);
        assert_true(slots >= 2);
        assert_true(slots == 2 || slots * size_class_bytes(size_class) <= CLASS_BYTES);
        assert_in_range(magazine_want(&heap, size_class), 1, slots);
    }
}

/* Returns the bytes that all magazines may hold. */
static size_t all_room(void) {
    size_t bytes = 0;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        bytes += room(size_class) * size_class_bytes(size_class);
    return bytes;
}

static void all_magazines_together_follow_the_slabs(void **state) {
    (void)state;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) grow_fully(size_class);
    size_t small = all_room();
    heap.granules = SLABS;
    for (int i = 0; i < 10; i++)
        for (unsigned size_class = 0; size_class < CLASSES; size_class++) grow_fully(size_class);
    assert_in_range(small, HEAP_BYTES * 3 / 4, HEAP_BYTES + HEAP_BYTES / 2);
    assert_true(all_room() > small);
    assert_in_range(all_room(), HEAP_BYTES + SLABS * GRANULE / 64,
                    HEAP_BYTES + SLABS * GRANULE / 32);
    assert_int_equal(heap.cached_room, all_room());
}

static void refills_and_flushes_make_a_magazine_grow(void **state) {
    (void)state;
    const unsigned size_class = 4;
    magazine_grow(&heap, size_class);
    size_t first = room(size_class);
    magazine_grow(&heap, size_class); /* empty */
    assert_int_equal(room(size_class), first);
    for (size_t n = 0; n < first; n++) push(size_class, UNIT);
    magazine_grow(&heap, size_class); /* full */
    assert_true(room(size_class) > 0);
}

static void an_idle_magazine_is_halved(void **state) {
    (void)state;
    const unsigned busy = 4, idle = 5;
    grow_fully(busy);
    grow_fully(idle);
    size_t most = room(busy);
    assert_int_equal(room(idle), most);
    for (int i = 0; i < 2; i++) {
        magazine_grow(&heap, busy);
        magazines_halve(&heap);
    }
    assert_int_equal(room(busy), most);
    assert_in_range(room(idle), most / 4, most / 2);
    for (int i = 0; i < 10; i++) magazines_halve(&heap);
    assert_in_range(room(idle), 2, 8);
}

static void growth_keeps_the_entries_in_order(void **state) {
    (void)state;
    const unsigned size_class = 4;
    uintptr_t count = 0;
    for (int i = 0; i < GROWTHS; i++) {
        magazine_grow(&heap, size_class);
        while (room(size_class) > 0) push(size_class, ++count * UNIT);
        assert_int_equal(magazine_count(&heap, size_class), count);
    }
    assert_true(count > 8); /* it did grow */
    for (uintptr_t i = count; i > 0; i--)
        assert_ptr_equal(heap.magazine[size_class].top--->slot, (char *)(i * UNIT));
    assert_null(heap.magazine[size_class].top->slot);
}

static void fill_from_slab(unsigned size_class) {
    grow_fully(size_class);
    struct slab *slab = slab_create(&heap, size_class);
    unsigned take = (unsigned)min_size(room(size_class), slab->capacity);
    slab_take(&heap, slab, take);
    assert_int_equal(magazine_count(&heap, size_class), take);
}

static void a_flush_returns_the_oldest_slots(void **state) {
    (void)state;
    const unsigned size_class = 4;
    fill_from_slab(size_class);
    unsigned have = magazine_count(&heap, size_class), flushed = have / 3;
    struct magazine_entry before[ENTRIES];
    uint8_t states[ENTRIES];
    assert_true(have <= ENTRIES);
    memcpy(before, heap.magazine[size_class].top - have + 1, have * sizeof(*before));
    for (unsigned i = 0; i < have; i++) states[i] = slot_state_get(before[i].state);

    magazine_flush(&heap, size_class, flushed);
    assert_int_equal(magazine_count(&heap, size_class), have - flushed);
    const struct magazine_entry *after = heap.magazine[size_class].top - (have - flushed) + 1;
    assert_memory_equal(after, before + flushed, (have - flushed) * sizeof(*before));
    assert_null(after[-1].slot);
    for (unsigned i = 0; i < have; i++)
        assert_int_equal(slot_state_get(before[i].state), i >= flushed ? states[i]
                                                          : states[i] == SLOT_CACHED_FRESH
                                                              ? SLOT_FRESH
                                                              : SLOT_FREE);
}

static void flushing_all_empties_the_slabs(void **state) {
    (void)state;
    for (unsigned size_class = 1; size_class < CLASSES; size_class++) fill_from_slab(size_class);
    magazines_flush_all(&heap);
    while (slab_retire_empty(&heap)) continue;
    for (unsigned size_class = 1; size_class < CLASSES; size_class++) {
        assert_int_equal(magazine_count(&heap, size_class), 0);
        assert_null(heap.bin[size_class].partial);
    }
    assert_int_equal(heap.granules, 0);
    assert_int_equal(pages_count().used, 0);
}

static void forgetting_returns_no_slot(void **state) {
    (void)state;
    const unsigned size_class = 4;
    fill_from_slab(size_class);
    unsigned have = magazine_count(&heap, size_class);
    struct slab *slab = heap.bin[size_class].partial;
    magazines_forget(&heap);
    assert_int_equal(magazine_count(&heap, size_class), 0);
    assert_null(heap.magazine[size_class].top->slot);
    assert_int_equal(slab->in_use, have);
}

/* Checks that slots are taken one at a time, so that every call takes the slow path. */
static void assert_caches_nothing(unsigned size_class) {
    grow_fully(size_class);
    assert_int_equal(room(size_class), 0);
    assert_int_equal(magazine_want(&heap, size_class), 1);
    struct slab *slab = slab_create(&heap, size_class);
    slab_take(&heap, slab, 1);
    assert_non_null(fast_take(&heap.magazine[size_class]));
    assert_null(fast_take(&heap.magazine[size_class]));
}

static void sizes_above_mxfast_are_not_cached(void **state) {
    (void)state;
    settings.mxfast = 64;
    grow_fully(size_class_of(64));
    assert_true(room(size_class_of(64)) > 2);
    assert_caches_nothing(size_class_of(65));
}

static void the_lower_of_both_size_limits_counts(void **state) {
    (void)state;
    settings.mxfast = 100; /* the whole size class of 100 is cached */
    settings.tcache_max = 1000;
    grow_fully(size_class_of(112));
    assert_true(room(size_class_of(112)) > 2);
    assert_caches_nothing(size_class_of(113));
    settings.mxfast = 1000;
    settings.tcache_max = 50;
    grow_fully(size_class_of(50));
    assert_true(room(size_class_of(50)) > 2);
    assert_caches_nothing(size_class_of(65));
}

static void a_limit_on_entries_is_kept_and_used(void **state) {
    (void)state;
    for (size_t count = 1; count < 20; count++) {
        unsigned size_class = (unsigned)count;
        settings.tcache_count = count;
        grow_fully(size_class);
        assert_int_equal(room(size_class), count);
        assert_in_range(magazine_want(&heap, size_class), 1, count);
    }
    settings.tcache_count = 65535;
    grow_fully(30);
    assert_true(room(30) * size_class_bytes(30) <= CLASS_BYTES);
}

static void a_mode_that_sees_all_calls_caches_nothing(void **state) {
    (void)state;
    mode_sees = MODE_SEES_ALL;
    assert_caches_nothing(4);
}

static void renewal_returns_all_slots_and_reads_the_settings_again(void **state) {
    (void)state;
    for (unsigned size_class = 1; size_class < CLASSES; size_class++) fill_from_slab(size_class);
    settings.tcache_count = 3;
    magazines_renew(&heap);
    for (unsigned size_class = 1; size_class < CLASSES; size_class++) {
        assert_int_equal(magazine_count(&heap, size_class), 0);
        assert_int_equal(room(size_class), 0);
        assert_null(heap.magazine[size_class].top->slot);
        grow_fully(size_class);
        assert_in_range(room(size_class), 2, 3);
    }
    assert_int_equal(heap.cached_room, all_room());
    settings.tcache_count = SIZE_MAX;
    magazines_renew(&heap);
    assert_int_equal(heap.cached_room, 0);
    while (slab_retire_empty(&heap)) continue;
    assert_int_equal(pages_count().used, 0);
}

/* A forked child, or a jump out of a handler, may leave a change unfinished. */
static void forgetting_ends_an_unfinished_change(void **state) {
    (void)state;
    const unsigned size_class = 4, dropped = 5, whole = 6;
    for (unsigned each = size_class; each <= whole; each++) grow_fully(each);
    size_t before = room(whole);
    heap.bin[size_class].entries /= 2; /* the larger array is set, but not its number of entries */
    heap.magazine[dropped] = (struct magazine){heap_no_entries, heap_no_entries + 1};
    magazines_forget(&heap);
    assert_int_equal(heap.cached_room, all_room());
    assert_int_equal(room(size_class), 0);
    assert_int_equal(room(dropped), 0);
    assert_int_equal(room(whole), before);
    for (unsigned each = size_class; each <= whole; each++) {
        assert_int_equal(magazine_count(&heap, each), 0);
        grow_fully(each);
        assert_int_equal(magazine_count(&heap, each), 0);
        assert_true(room(each) > 2);
    }
}

/* Gives each test a new heap. */
static int new_heap(void **state) {
    (void)state;
    settings.mxfast = settings.tcache_max = SLOT_MAX;
    settings.tcache_count = SIZE_MAX;
    mode_sees = MODE_SEES_REST;
    memset(&heap, 0, sizeof(heap));
    magazines_init(&heap);
    hold_heap(&heap);
    return space_start() ? 0 : -1;
}

#define TEST(function) cmocka_unit_test_setup(function, new_heap)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(flushing_all_empties_the_slabs),
        TEST(renewal_returns_all_slots_and_reads_the_settings_again),
        TEST(new_magazines_are_empty_and_full),
        TEST(magazines_hold_what_the_header_allows),
        TEST(growth_keeps_the_entries_in_order),
        TEST(refills_and_flushes_make_a_magazine_grow),
        TEST(an_idle_magazine_is_halved),
        TEST(all_magazines_together_follow_the_slabs),
        TEST(a_flush_returns_the_oldest_slots),
        TEST(forgetting_returns_no_slot),
        TEST(forgetting_ends_an_unfinished_change),
        TEST(sizes_above_mxfast_are_not_cached),
        TEST(the_lower_of_both_size_limits_counts),
        TEST(a_limit_on_entries_is_kept_and_used),
        TEST(a_mode_that_sees_all_calls_caches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
