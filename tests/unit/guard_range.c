/* The range of guarded blocks does not overlap the heap, and its addresses are reused late. */
#include "guard_blocks.h"

#include "pages/space.h"
#include "pattern.h"
#include "random.h"

static uint64_t seed = 1;

/* ---- the range ---- */

static char *proposed[4]; /* the next random numbers, as addresses for a range */
static int proposals;

uint64_t __real_os_random(void);
uint64_t __wrap_os_random(void);
uint64_t __wrap_os_random(void) {
    uintptr_t lowest = (uintptr_t)1 << (os_address_bits() - 3);
    if (proposals == 0) return __real_os_random();
    return ((uintptr_t)proposed[--proposals] - lowest) >> GRANULE_SHIFT;
}

static void check_apart(uintptr_t first, uintptr_t end) {
    CHECK(space_is_apart((char *)first, end - first));
}

static void choose_range_at(char *pages, char *own, size_t bytes) {
    pid_t child = start_child();
    if (child == 0) {
        proposed[1] = pages;
        proposed[0] = own;
        proposals = 2;
        CHECK(guard_begin(bytes));
        CHECK_EQUAL(proposals, 0);
        char *block = take(100, UNIT);
        char *first = (char *)((uintptr_t)block & ~(page_bytes - 1)) - page_bytes;
        CHECK(space_is_apart(first, bytes));
        guard_range_each_part(check_apart);
        CHECK(!guard_range_contains(space.base) && !guard_range_contains(space.slabs));
        _exit(0);
    }
    check_child_succeeds(child);
}

/* If the ranges overlapped, blocks of the heap would be taken for guarded blocks without
 * records. */
static void the_range_is_apart_from_the_heap(void) {
    const size_t bytes = GIB;
    CHECK(space_start());
    const struct part *parts[] = {&space.slab_part, &space.run_part, &space.meta_part,
                                  &space.block_part};
    char *far = (char *)((uintptr_t)1 << (os_address_bits() - 3));
    if (!space_is_apart(far, bytes)) far += (uintptr_t)1 << (os_address_bits() - 2);
    choose_range_at(far, far + bytes, bytes);
    for (int i = 0; i < 4; i++) {
        char *start = parts[i]->start, *end = start + parts[i]->limit;
        char *places[] = {start, start + parts[i]->limit / 2 / GRANULE * GRANULE, end - GRANULE,
                          start - bytes / 2};
        for (int k = 0; k < 4; k++) {
            choose_range_at(places[k], far, bytes);
            choose_range_at(far, places[k], bytes);
        }
    }
}

/* ---- reuse of addresses ---- */

/* The range has room for little more than twice GUARD_REUSE_DISTANCE blocks. */
static void addresses_are_reused_late(void) {
    enum { ROUNDS = 4000 };
    static char *order[ROUNDS];
    size_t pages = 4 * GUARD_REUSE_DISTANCE + 32;
    CHECK(guard_begin(pages * page_bytes));
    /* Other blocks leave only a little room. */
    for (unsigned i = 0; i < GUARD_REUSE_DISTANCE - 10; i++) take(1, UNIT);
    size_t places = pages / 2 - GUARD_REUSE_DISTANCE;
    int reused = 0;
    for (int i = 0; i < ROUNDS; i++) {
        order[i] = take(100, UNIT);
        for (int k = 1; k <= i && k <= (int)GUARD_REUSE_DISTANCE; k++)
            CHECK(order[i] != order[i - k]);
        for (int k = 0; k < 100; k++) CHECK_EQUAL(order[i][k], 0);
        memset(order[i], 1, 100);
        give(order[i]);
        for (size_t k = 1; k < places + 20 && k <= (size_t)i; k++)
            reused += order[i] == order[i - (int)k];
    }
    CHECK(reused > 0);
}

static void allocations_fail_rather_than_reuse_places_early(void) {
    size_t pages = 4 * GUARD_REUSE_DISTANCE, allocated = 0;
    CHECK(guard_begin(pages * page_bytes));
    for (size_t i = 0; i < pages / 2 - GUARD_REUSE_DISTANCE + 10; i++) take(1, UNIT);
    char *block;
    while ((block = guard_alloc(1, UNIT, FAMILY_MALLOC, 0)) != NULL) {
        give(block);
        CHECK(++allocated < GUARD_REUSE_DISTANCE);
    }
}

static void a_full_range_refuses_until_there_is_room(void) {
    size_t pages = 2 * GUARD_REUSE_DISTANCE;
    static char *blocks[2 * GUARD_REUSE_DISTANCE];
    CHECK(guard_begin(pages * page_bytes));
    unsigned count = 0;
    while ((blocks[count] = guard_alloc(1, UNIT, FAMILY_MALLOC, 0)) != NULL) count++;
    CHECK(count > pages / 2 - 2 * GRANULE / page_bytes);
    for (unsigned i = 0; i < count; i++) give(blocks[i]);
    give(take(1, UNIT));
}

static void wrapping_around_spares_live_blocks(void) {
    enum { LIVE = 100 };
    int rounds = (int)(12000 * KIB / page_bytes);
    static struct {
        char *start;
        size_t size;
        uint64_t key;
    } live[LIVE];
    CHECK(guard_begin(4096 * page_bytes));
    for (int i = 0; i < rounds; i++) {
        size_t n = random_below(&seed, LIVE), size = random_below(&seed, 5 * page_bytes);
        if (live[n].start != NULL) {
            CHECK(pattern_holds(live[n].start, live[n].size, live[n].key));
            give(live[n].start);
        }
        char *start = take(size, (size_t)1 << random_below(&seed, 16));
        for (size_t k = 0; k < size; k += 61) CHECK_EQUAL(start[k], 0);
        live[n].start = start;
        live[n].size = size;
        live[n].key = pattern_key(start, size, 1);
        pattern_fill(start, size, live[n].key);
        check_info(start, start, LIFE_LIVE);
    }
    CHECK_EQUAL(guard_damage_check_all(), 0);
}

static struct body bodies[] = {
    BODY(the_range_is_apart_from_the_heap),
    BODY(addresses_are_reused_late),
    BODY(allocations_fail_rather_than_reuse_places_early),
    BODY(a_full_range_refuses_until_there_is_room),
    BODY(wrapping_around_spares_live_blocks),
};

int main(void) {
    page_bytes = os_page_size();
    return run_bodies(bodies);
}
