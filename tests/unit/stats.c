/* The figures of slabs agree with a count slot by slot, and those of pages with a count byte by
 * byte, for slots in every state. */
#include "held.h"
#include "unit.h"

#include <string.h>

#include "heap/slab.h"
#include "os/os.h"
#include "pages/pages.h"
#include "pages/space.h"
#include "process/page_pins.h"
#include "process/stats.h"
#include "process/stats_pages.h"
#include "random.h"

enum { ROUNDS = 200, PAGE_ROUNDS = 5 };

static struct heap heap;
static uint64_t seed = 1;

static void count_naively(const struct slab *slab, struct mallow_class_stats *size_class) {
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        uint8_t state = slot_state_get(&slab->state[slot]);
        size_class->used_slots += state == SLOT_USED || state == SLOT_CHECKED;
        size_class->cached_slots += state == SLOT_CACHED || state == SLOT_HELD;
        size_class->free_slots += state == SLOT_FREE || state == SLOT_REMOTE;
        size_class->fresh_slots += state == SLOT_FRESH || state == SLOT_CACHED_FRESH;
    }
    size_class->slabs++;
}

/* Sets the states in stretches of random length, half of which are single slots. */
static void set_states_at_random(struct slab *slab) {
    static const uint8_t states[] = {SLOT_FRESH,  SLOT_USED, SLOT_CACHED,  SLOT_CACHED_FRESH,
                                     SLOT_REMOTE, SLOT_FREE, SLOT_CHECKED, SLOT_HELD};
    for (uint32_t slot = 0; slot < slab->slots;) {
        uint8_t state = states[random_below(&seed, sizeof states)];
        size_t length = random_below(&seed, 2) == 0 ? 1 : 1 + random_below(&seed, 100);
        for (; length > 0 && slot < slab->slots; length--, slot++)
            if (slot_state_get(&slab->state[slot]) != SLOT_NONE)
                slot_state_set(&slab->state[slot], (enum slot_state)state);
    }
}

static void slots_are_counted_by_state(void **state) {
    (void)state;
    static struct mallow_stats expected, found;
    static struct slab *slabs[CLASSES];
    hold_heap(&heap);
    for (unsigned size_class = 1; size_class < CLASSES; size_class++)
        slabs[size_class] = slab_create(&heap, size_class);
    for (int round = 0; round < ROUNDS; round++) {
        memset(&expected, 0, sizeof expected);
        for (unsigned size_class = 1; size_class < CLASSES; size_class++) {
            set_states_at_random(slabs[size_class]);
            count_naively(slabs[size_class], &expected.classes[size_class]);
        }
        stats_read(&found);
        for (unsigned size_class = 1; size_class < CLASSES; size_class++) {
            expected.classes[size_class].slot_bytes = size_class_bytes(size_class);
            assert_memory_equal(&found.classes[size_class], &expected.classes[size_class],
                                sizeof found.classes[size_class]);
        }
    }
}

/* ---- pages ---- */

/* Adds one byte of a page to the count of what its slot's state says. */
static void count_byte(uint8_t state, size_t *live, size_t *cached, size_t *held, size_t *freed) {
    *live += state == SLOT_USED || state == SLOT_CHECKED;
    *cached += state == SLOT_CACHED || state == SLOT_CACHED_FRESH;
    *held += state == SLOT_HELD;
    *freed += state == SLOT_FREE || state == SLOT_REMOTE;
}

static void count_page_naively(const struct slab *slab, const char *page, struct mallow_stats *to) {
    size_t live = 0, cached = 0, held = 0, freed = 0;
    for (size_t i = 0; i < os_page_size(); i++) {
        size_t slot = (size_t)(page + i - slab_slot_zero(slab)) / slab->slot_size;
        if (slot < slab->slots)
            count_byte(slot_state_get(&slab->state[slot]), &live, &cached, &held, &freed);
    }
    size_t rest = os_page_size() - live - cached - held;
    to->resident_live_bytes += live;
    to->resident_cached_bytes += cached + (live == 0 && held == 0 && cached != 0 ? rest : 0);
    to->resident_held_bytes += held + (live == 0 && held != 0 ? rest : 0);
    to->pinned_bytes += live != 0 ? rest : 0;
    to->class_pages[slab->size_class].resident_live_bytes += live;
    to->class_pages[slab->size_class].pinned_bytes += live != 0 ? rest : 0;
    if (live + cached + held == 0)
        *(freed != 0 ? &to->trimmable_bytes : &to->surplus_bytes) += rest;
}

/* Two of three pages are resident. */
static void count_pages_naively(const struct slab *slab, struct mallow_stats *to) {
    char *start = granule_start(slab_granule(slab));
    size_t bytes = size_class_granules(slab->size_class) * GRANULE;
    for (size_t at = 0, i = 0; at < bytes; at += os_page_size(), i++) {
        if (i % 3 == 2) continue;
        *(volatile char *)(start + at) = 1;
        count_page_naively(slab, start + at, to);
    }
}

/* The parts that live blocks account for add up to what is pinned, apart from rounding. */
static void check_pins(const struct slab *slab, uint64_t pinned) {
    const char *zero = slab_slot_zero(slab);
    size_t sum = 0, rounding = 0;
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        const char *at = zero + (size_t)slot * slab->slot_size;
        uint8_t state = slot_state_get(&slab->state[slot]);
        if (state == SLOT_NONE) continue; /* it may lie before the slab */
        size_t pins = page_pins_of(at);
        assert_true(page_pins_of(at + UNIT / 2) == 0);
        if (state != SLOT_USED && state != SLOT_CHECKED) {
            assert_int_equal(pins, 0);
            continue;
        }
        sum += pins;
        rounding += slab->slot_size / os_page_size() + 2; /* a byte for each page */
    }
    assert_true(sum <= pinned && sum + rounding >= pinned);
}

static void pages_are_counted_by_what_they_hold(void **state) {
    (void)state;
    static struct mallow_stats expected, found;
    hold_heap(&heap);
    struct slab *slabs[CLASSES];
    for (unsigned size_class = 1; size_class < CLASSES; size_class++)
        slabs[size_class] = slab_create(&heap, size_class);
    /* The slabs of the other test are not resident: nothing has touched them. */
    for (int round = 0; round < PAGE_ROUNDS; round++) {
        memset(&expected, 0, sizeof expected);
        for (unsigned size_class = 1; size_class < CLASSES; size_class++) {
            set_states_at_random(slabs[size_class]);
            count_pages_naively(slabs[size_class], &expected);
        }
        memset(&found, 0, sizeof found);
        stats_read_pages(&found);
        assert_true(found.resident_metadata_bytes > 0);
        found.resident_metadata_bytes = 0;
        assert_memory_equal(&found, &expected, sizeof found);
        for (unsigned size_class = 1; size_class < CLASSES; size_class++)
            check_pins(slabs[size_class], found.class_pages[size_class].pinned_bytes);
    }
}

static void runs_are_counted_by_their_kind(void **state) {
    (void)state;
    static struct mallow_stats before, found;
    enum { PAGES = 64 };
    bool clean;
    uint32_t page = LOCKED(pages_alloc(PAGES, 1, RUN_BLOCK, &clean));
    stats_read_pages(&before);
    memset(page_start(page), 1, PAGES / 2 * RUN_PAGE);
    memset(&found, 0, sizeof found);
    stats_read_pages(&found);
    assert_int_equal(found.resident_live_bytes, before.resident_live_bytes + PAGES / 2 * RUN_PAGE);
    LOCKED(({
        pages_free(page, false);
        0;
    }));
    memset(&found, 0, sizeof found);
    stats_read_pages(&found);
    assert_int_equal(found.resident_live_bytes, before.resident_live_bytes);
    assert_int_equal(found.trimmable_bytes, before.trimmable_bytes + PAGES / 2 * RUN_PAGE);
}

int main(void) {
    space_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_counted_by_state),
        cmocka_unit_test(pages_are_counted_by_what_they_hold),
        cmocka_unit_test(runs_are_counted_by_their_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
