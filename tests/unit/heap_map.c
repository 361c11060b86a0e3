/* The letters for the pages of the heap agree with a description slot by slot. */
#include "held.h"
#include "unit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "heap/slab.h"
#include "pages/pages.h"
#include "pages/space.h"
#include "process/heap_map.h"
#include "random.h"

enum { ROUNDS = 100, ANSWER_MAX = 1 << 20, PAGES_MAX = 1 << 16 };

static struct heap heap;
static uint64_t seed = 1;
static struct slab *slabs[CLASSES];

static char answer[ANSWER_MAX], found[PAGES_MAX], expected[PAGES_MAX];
static size_t answer_length;

static void receive(void *to, const char *bytes, size_t count) {
    (void)to;
    assert_true(answer_length + count < ANSWER_MAX);
    memcpy(answer + answer_length, bytes, count);
    answer_length += count;
    answer[answer_length] = '\0';
}

/* Reads the answer and returns the number of pages. */
static size_t read_pages(void) {
    char buffer[100], *at = answer;
    struct text t = {.buffer = buffer, .size = sizeof buffer, .sink = receive};
    size_t count = 0;
    answer_length = 0;
    heap_map_add_pages(&t);
    text_flush(&t);
    assert_int_equal(strncmp(at, "pages 0x", 8), 0);
    assert_true(strtoull(at + 6, &at, 16) == (uintptr_t)page_start(GRANULE_PAGES));
    assert_int_equal(strtoull(at, &at, 10), RUN_PAGE);
    for (at++; *at != '\n';) {
        char letter = *at++;
        size_t times = isdigit((unsigned char)*at) ? strtoull(at, &at, 10) : 1;
        while (times-- > 0) found[count++] = letter;
    }
    assert_int_equal(at[1], '\0');
    return count;
}

static void set_states_at_random(struct slab *slab) {
    static const uint8_t states[] = {SLOT_FRESH,  SLOT_USED, SLOT_CACHED,  SLOT_CACHED_FRESH,
                                     SLOT_REMOTE, SLOT_FREE, SLOT_CHECKED, SLOT_HELD};
    for (uint32_t slot = 0; slot < slab->slots;) {
        uint8_t state = states[random_below(&seed, sizeof states)];
        size_t length = 1 + random_below(&seed, random_below(&seed, 2) == 0 ? 2 : 1000);
        for (; length > 0 && slot < slab->slots; length--, slot++)
            if (slot_state_get(&slab->state[slot]) != SLOT_NONE)
                slot_state_set(&slab->state[slot], (enum slot_state)state);
    }
}

/* Describes the pages of a slab from its slots. */
static void describe_slab(const struct slab *slab) {
    size_t first = slab_granule(slab) * GRANULE_PAGES, size = slab->slot_size;
    size_t pages = size_class_granules(slab->size_class) * GRANULE_PAGES;
    for (size_t page = first; page < first + pages; page++) {
        const char *start = page_start((uint32_t)page), *zero = slab_slot_zero(slab);
        bool live = false, other = false;
        for (uint32_t slot = 0; slot < slab->slots; slot++) {
            uint8_t state = slot_state_get(&slab->state[slot]);
            const char *at = zero + slot * size;
            if (state == SLOT_NONE || at + size <= start || at >= start + RUN_PAGE) continue;
            *(state == SLOT_USED || state == SLOT_CHECKED ? &live : &other) = true;
        }
        expected[page - GRANULE_PAGES] = live && other ? 'p' : live ? 'f' : 'e';
    }
}

/* Allocates a run of pages, or frees it. */
static void change_run(uint32_t *run) {
    size_t most = random_below(&seed, 9) == 0 ? 3000 : 30;
    bool clean;
    HOLD_LOCK();
    if (*run != 0) {
        pages_free(*run, random_below(&seed, 2) == 0);
        *run = 0;
    } else {
        *run = pages_alloc(1 + (uint32_t)random_below(&seed, most), 1, RUN_BLOCK, &clean);
    }
}

static struct {
    size_t end; /* after the pages that were passed */
    size_t distance;
} passed;

static void receive_pages(void *to, enum mallow_profile_page_use use, uintptr_t start,
                          size_t pages) {
    static const char letters[] = "-bfpedcx?";
    (void)to;
    assert_true(start == (uintptr_t)page_start((uint32_t)(GRANULE_PAGES + passed.end)));
    for (size_t page = passed.end; page < passed.end + pages; page += passed.distance)
        if (letters[use] != expected[page])
            fail_msg("page %zu: '%c' instead of '%c'", page, letters[use], expected[page]);
    passed.end += pages;
}

/* One page in 1, 2, 4, ... stands for those that follow it. */
static void check_distant_pages(size_t end, size_t most) {
    static struct heap_map_slice slice;
    passed.end = 0;
    for (passed.distance = 1; end / passed.distance > most; passed.distance *= 2) continue;
    heap_map_each_page(&slice, most, receive_pages, NULL);
    assert_int_equal(passed.end, end);
}

static void pages_are_described(void **state) {
    (void)state;
    static uint32_t runs[64];
    hold_heap(&heap);
    for (unsigned size_class = 1; size_class < CLASSES; size_class++) {
        slabs[size_class] = slab_create(&heap, size_class);
        assert_non_null(slabs[size_class]);
    }
    for (int round = 0; round < ROUNDS; round++) {
        change_run(&runs[random_below(&seed, 64)]);
        size_t end = pages_count().top - GRANULE_PAGES;
        for (size_t page = 0; page < end;) {
            uint64_t tag = run_tag((uint32_t)page + GRANULE_PAGES);
            char letter = tag_kind(tag) == RUN_BLOCK ? 'b' : tag_dirty(tag) ? 'd' : 'c';
            memset(expected + page, letter, tag_pages(tag));
            page += tag_pages(tag);
        }
        for (unsigned size_class = 1; size_class < CLASSES; size_class++) {
            set_states_at_random(slabs[size_class]);
            describe_slab(slabs[size_class]);
        }
        assert_int_equal(read_pages(), end);
        for (size_t page = 0; page < end; page++)
            if (found[page] != expected[page])
                fail_msg("page %zu: '%c' instead of '%c'", page, found[page], expected[page]);
        check_distant_pages(end, 1 + random_below(&seed, end));
    }
}

int main(void) {
    space_start();
    const struct CMUnitTest tests[] = {cmocka_unit_test(pages_are_described)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
