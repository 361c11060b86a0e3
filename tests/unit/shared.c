/* In granules of mixed sizes, every slot and its size can be found from the state bytes alone. */
#include "held.h"
#include "unit.h"

#include <string.h>
#include <sys/resource.h>

#include "base/atomics.h"
#include "base/settings.h"
#include "heap/heap_enter.h"
#include "heap/heap_reap.h"
#include "heap/magazine.h"
#include "heap/shared.h"
#include "heap/shared_free.h"
#include "pages/pages.h"
#include "pages/space.h"
#include "pattern.h"
#include "random.h"
#include "start_heap.h"

enum { SLOTS = 4000, STEPS = 40000, UNITS = GRANULE / UNIT, GRANULES = 256 };

static struct slot {
    char *start;
    unsigned size_class;
    uint64_t key;
} slots[SLOTS];

/* The size class and the first unit of every slot that was ever carved. They never change. */
static struct {
    uint8_t size_class;
    uint32_t start;
} carved[GRANULES][UNITS];

static uint64_t seed = 1;

static void carve_model(const struct slot *slot) {
    size_t granule = granule_of(slot->start);
    uint32_t unit = shared_unit(slot->start);
    assert_true(granule < GRANULES);
    for (uint32_t i = unit; i < unit + size_class_bytes(slot->size_class) / UNIT; i++) {
        assert_true(carved[granule][i].size_class == 0 ||
                    (carved[granule][i].size_class == slot->size_class &&
                     carved[granule][i].start == unit));
        carved[granule][i].size_class = (uint8_t)slot->size_class;
        carved[granule][i].start = unit;
    }
}

/* Checks that no other slot is on the cache lines of a small slot. */
static void check_lines(const struct slot *slot) {
    const uint32_t line = CACHE_LINE / UNIT;
    size_t granule = granule_of(slot->start), size = size_class_bytes(slot->size_class);
    uint32_t unit = shared_unit(slot->start);
    if (size >= 2 * CACHE_LINE) return;
    for (uint32_t i = unit - unit % line; i < round_up(unit + size / UNIT, line); i++)
        assert_true(carved[granule][i].size_class == 0 || carved[granule][i].start == unit);
}

static bool is_zero(const char *bytes, size_t count) {
    static const char zeros[SHARED_MAX];
    return memcmp(bytes, zeros, count) == 0;
}

static uint8_t state_of(const char *slot) {
    return slot_state_get(&slab_of(granule_of(slot))->state[shared_unit(slot)]);
}

static void take(struct slot *slot) {
    bool zeroed;
    slot->size_class = 1 + (unsigned)random_below(&seed, SHARED_CLASSES - 1);
    slot->start = shared_take(slot->size_class, &zeroed);
    size_t size = size_class_bytes(slot->size_class);
    assert_non_null(slot->start);
    assert_int_equal((uintptr_t)slot->start % size_class_alignment(slot->size_class), 0);
    if (zeroed) assert_true(is_zero(slot->start, size));
    carve_model(slot);
    check_lines(slot);
    slot->key = pattern_key(slot->start, size, 1);
    pattern_fill(slot->start, size, slot->key);
}

static void give(struct slot *slot) {
    assert_true(pattern_holds(slot->start, size_class_bytes(slot->size_class), slot->key));
    assert_true(shared_free(slot->start, slot->size_class));
    assert_false(shared_free(slot->start, slot->size_class));
    assert_int_equal(state_of(slot->start), SLOT_FREE); /* this thread has no heap to keep it */
    slot->start = NULL;
}

/* Compares every unit of every granule with the slots that were carved there. */
static void check_granules(void) {
    for (size_t granule = 1; granule < space.granules; granule++) {
        const struct slab *slab = slab_of(granule);
        if (slab->kind != GRANULE_SHARED) continue;
        for (uint32_t unit = 0; unit < UNITS; unit++) {
            bool is_slot = carved[granule][unit].size_class != 0;
            uint32_t start = shared_find_start(slab, unit);
            assert_int_equal(start, is_slot ? carved[granule][unit].start : UINT32_MAX);
            if (is_slot)
                assert_int_equal(shared_class(slab, start), carved[granule][unit].size_class);
        }
    }
}

static void random_steps(void) {
    for (int i = 0; i < STEPS; i++) {
        struct slot *slot = &slots[random_below(&seed, SLOTS)];
        if (slot->start == NULL)
            take(slot);
        else
            give(slot);
    }
    check_granules();
}

static void slots_do_not_overlap_and_keep_their_class(void **state) {
    (void)state;
    random_steps();
}

/* The slot that was freed last waits, so that the next allocation does not get it. After a flush it
 * serves every thread. */
static void a_thread_keeps_what_it_frees(void **state) {
    (void)state;
    static struct heap heap;
    struct slot *slot = &slots[0];
    magazines_init(&heap);
    hold_heap(&heap);
    heap.busy = 0;
    self_heap = &heap;
    if (slot->start == NULL) take(slot);
    assert_true(shared_free(slot->start, slot->size_class));
    assert_false(shared_free(slot->start, slot->size_class));
    assert_int_equal(state_of(slot->start), SLOT_CACHED);
    assert_int_equal(magazine_count(&heap, slot->size_class), 0);
    assert_ptr_equal(heap.shared_waits[slot->size_class], slot->start);
    check_granules();
    heap.busy = 1;
    assert_false(heap_reap(&heap));
    assert_null(heap.shared_waits[slot->size_class]);
    assert_int_equal(state_of(slot->start), SLOT_FREE);
    self_heap = EMPTY_HEAP;

    unsigned size_class = slot->size_class;
    bool zeroed;
    assert_ptr_equal(shared_take(size_class, &zeroed), slot->start);
    assert_false(zeroed);
    assert_true(shared_free(slot->start, size_class));
    slot->start = NULL;
}

/* Frees a new slot of the class, and returns it. */
static char *free_one(unsigned size_class) {
    bool zeroed;
    char *slot = shared_take(size_class, &zeroed);
    assert_non_null(slot);
    assert_true(shared_free(slot, size_class));
    return slot;
}

/* Each class has a slot that waits, and only the one that was freed last. */
static void one_slot_of_each_class_waits(void **state) {
    (void)state;
    static struct heap heap;
    static char *last[SHARED_CLASSES];
    magazines_init(&heap);
    hold_heap(&heap);
    heap.busy = 0;
    self_heap = &heap;
    for (unsigned size_class = 1; size_class < SHARED_CLASSES; size_class++) {
        char *first = free_one(size_class);
        last[size_class] = free_one(size_class);
        assert_int_equal(magazine_count(&heap, size_class), 1);
        assert_ptr_equal(heap.cached[size_class].top->slot, first);
    }
    for (unsigned size_class = 1; size_class < SHARED_CLASSES; size_class++)
        assert_ptr_equal(heap.shared_waits[size_class], last[size_class]);
    racy_store(&settings.generation, settings.generation + 1);
    heap_follow_settings();
    for (unsigned size_class = 1; size_class < SHARED_CLASSES; size_class++)
        assert_int_equal(state_of(last[size_class]), SLOT_FREE);
    self_heap = EMPTY_HEAP;
}

/* What a thread may not cache does not wait. */
static void no_slot_waits_that_is_not_kept(void **state) {
    (void)state;
    enum { SIZE_CLASS = 4 };
    static struct heap heap;
    struct settings before = settings;
    magazines_init(&heap);
    hold_heap(&heap);
    heap.busy = 0;
    self_heap = &heap;
    settings.tcache_count = 0;
    free_one(SIZE_CLASS);
    assert_null(heap.shared_waits[SIZE_CLASS]);
    settings = before;
    settings.mxfast = size_class_bytes(SIZE_CLASS) - 1;
    free_one(SIZE_CLASS);
    assert_null(heap.shared_waits[SIZE_CLASS]);
    settings = before;
    heap.bin[SIZE_CLASS].heat = SHARED_HEAT;
    assert_int_equal(state_of(free_one(SIZE_CLASS)), SLOT_FREE);
    assert_null(heap.shared_waits[SIZE_CLASS]);
    heap.bin[SIZE_CLASS].heat = 0;
    assert_int_equal(state_of(free_one(SIZE_CLASS)), SLOT_CACHED);
    self_heap = EMPTY_HEAP;
}

static size_t granules_used(void) { return pages_count().used / GRANULE_PAGES; }

static void give_all(void) {
    for (int i = 0; i < SLOTS; i++)
        if (slots[i].start != NULL) give(&slots[i]);
}

static void freed_slots_serve_their_class_again(void **state) {
    (void)state;
    give_all();
    size_t used = granules_used();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < SLOTS / 40; i++) take(&slots[i]);
        give_all();
    }
    assert_int_equal(granules_used(), used);
}

/* In the child of a fork, another thread may have been interrupted inside the module. */
static void a_rebuild_finds_all_free_slots(void **state) {
    (void)state;
    give_all();
    struct slot *one = &slots[0];
    take(one);
    size_t used = granules_used();
    uint64_t before = seed;
    for (int i = 1; i < 1000; i++) take(&slots[i]);
    for (int i = 1; i < 1000; i++) give(&slots[i]);
    shared_after_fork(true);
    seed = before;
    for (int i = 1; i < 1000; i++) take(&slots[i]);
    assert_int_equal(granules_used(), used);
    assert_true(pattern_holds(one->start, size_class_bytes(one->size_class), one->key));
    random_steps();
}

static void only_small_classes_with_little_use_are_served(void **state) {
    (void)state;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        struct heap_bin bin = {0};
        struct slab slab;
        bool may = size_class != CLASS_ZERO && size_class_bytes(size_class) <= SHARED_MAX;
        assert_int_equal(shared_wants(&bin, size_class), may);
        bin.partial = &slab;
        assert_false(shared_wants(&bin, size_class));
        bin = (struct heap_bin){.heat = SHARED_HEAT};
        assert_false(shared_wants(&bin, size_class));
    }
}

/* Uses up the pages of the page heap, which is not allowed to grow. */
static void exhaust_pages(struct rlimit *before) {
    struct rlimit none = {.rlim_cur = 1};
    assert_int_equal(getrlimit(RLIMIT_AS, before), 0);
    none.rlim_max = before->rlim_max;
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    bool clean;
    while (LOCKED(pages_alloc(1, 1, RUN_BLOCK, &clean)) != 0) continue;
}

/* Takes slots until one is in the granule at `page`. Returns true if this one is reported as
 * zeroed. */
static bool take_inside(unsigned size_class, uint32_t page) {
    for (bool zeroed;;) {
        char *slot = shared_take(size_class, &zeroed);
        assert_non_null(slot);
        if (slot >= page_start(page) && slot < page_start(page) + GRANULE) return zeroed;
    }
}

/* The granule that is being carved was used before, and the next one, which is refused, would be
 * fresh. Slots that are still carved from the old one must not be reported as zeroed. */
static void a_refused_granule_changes_nothing(void **state) {
    (void)state;
    bool zeroed;
    uint32_t page = LOCKED(pages_alloc(GRANULE_PAGES, GRANULE_PAGES, RUN_BLOCK, &zeroed));
    memset(page_start(page), 1, GRANULE);
    LOCKED(pages_free(page, false));
    const unsigned size_class = size_class_of(960); /* a granule is not a multiple of this size */
    assert_false(take_inside(size_class, page));

    struct rlimit before;
    exhaust_pages(&before);
    while (shared_take(size_class, &zeroed) != NULL) continue;
    assert_false(take_inside(1, page));
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_do_not_overlap_and_keep_their_class),
        cmocka_unit_test(a_thread_keeps_what_it_frees),
        cmocka_unit_test(one_slot_of_each_class_waits),
        cmocka_unit_test(no_slot_waits_that_is_not_kept),
        cmocka_unit_test(freed_slots_serve_their_class_again),
        cmocka_unit_test(a_rebuild_finds_all_free_slots),
        cmocka_unit_test(only_small_classes_with_little_use_are_served),
        cmocka_unit_test(a_refused_granule_changes_nothing), /* must be last: it leaves no page */
    };
    return cmocka_run_group_tests(tests, start_heap, NULL);
}
