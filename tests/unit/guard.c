/* Guarded blocks end at inaccessible pages, are found by any address near them, and report writes
 * around them. Allocations are sampled at the requested rate. */
#include "guard_blocks.h"

#include "os/os_thread.h"
#include "random.h"

static uint64_t seed = 1;

/* ---- placement ---- */

static void check_place(const char *block, size_t size, size_t align) {
    CHECK_EQUAL((uintptr_t)block % align, 0);
    CHECK_EQUAL((uintptr_t)block % UNIT, 0);
    for (size_t i = 0; i < size; i++) CHECK_EQUAL(block[i], 0);
    const char *end = (char *)round_up((uintptr_t)block + size, page_bytes);
    const char *first = (char *)((uintptr_t)block & ~(page_bytes - 1));
    CHECK(!is_accessible(end));
    CHECK(!is_accessible(first - 1));
    if (settings.guard_left && size != 0) CHECK(block == first);
    if (!settings.guard_left)
        CHECK((size_t)(end - block) - size < max_size(min_size(align, page_bytes), UNIT));
    CHECK_EQUAL(guard_info_usable(block), size);
}

static void place_everywhere(void) {
    for (size_t align = 1; align <= MIB; align *= 4) {
        for (size_t size = 0; size < 3 * page_bytes; size += 1 + size / 7) {
            char *block = take(size, align);
            check_place(block, size, align);
            memset(block, 1, size);
            give(block);
            CHECK(size == 0 || !is_accessible(block));
        }
    }
}

static void blocks_end_at_an_inaccessible_page(void) { place_everywhere(); }

static void blocks_begin_at_an_inaccessible_page_on_request(void) {
    settings.guard_left = true;
    place_everywhere();
}

static void large_blocks_are_placed_too(void) {
    static const size_t sizes[] = {100 * KIB + 1, MIB, 64 * MIB + 5, GIB};
    for (int i = 0; i < 4; i++) {
        char *block = take(sizes[i], UNIT);
        block[0] = block[sizes[i] - 1] = 1;
        CHECK(!is_accessible((char *)round_up((uintptr_t)block + sizes[i], page_bytes)));
        give(block);
    }
    CHECK(guard_alloc(SIZE_MAX, UNIT, FAMILY_MALLOC, 0) == NULL);
    CHECK(guard_alloc(PTRDIFF_MAX, UNIT, FAMILY_MALLOC, 0) == NULL);
    CHECK(guard_alloc((size_t)1 << 46, UNIT, FAMILY_MALLOC, 0) == NULL);
    CHECK(guard_alloc(1, (size_t)1 << 46, FAMILY_MALLOC, 0) == NULL);
}

/* In the checking modes, a wrong index does not lead from a large block to the next one. */
static void large_blocks_lie_apart_in_checking_modes(void) {
    enum { BLOCKS = 12 };
    static const size_t sizes[] = {256 * KIB, 64 * MIB};
    settings.check = CHECK_HARD;
    for (int i = 0; i < 2; i++) {
        size_t size = sizes[i], distances = 0, last = 0;
        char *block[BLOCKS];
        for (int k = 0; k < BLOCKS; k++) block[k] = take(size, UNIT);
        for (int k = 1; k < BLOCKS; k++) {
            size_t distance = (size_t)(block[k] - block[k - 1]);
            CHECK(distance > size + size / 2);
            CHECK(distance <= 2 * size + 6 * page_bytes);
            distances += distance != last;
            last = distance;
        }
        CHECK(distances > 1); /* on pages of 64 KiB, only five are possible for the smaller size */
    }
    /* The gap is a small share of a range, because limits count its addresses. */
    size_t huge = 4 * GIB;
    char *first = take(huge, UNIT), *second = take(huge, UNIT);
    CHECK((size_t)(second - first) <= huge + guard_range_pages() * page_bytes / 1000);
}

/* ---- lookup ---- */

static void every_address_finds_its_block(void) {
    char *before = take(page_bytes, UNIT), *block = take(page_bytes + 100, UNIT),
         *behind = take(200, UNIT);
    CHECK(block - before == (ptrdiff_t)(3 * page_bytes - round_up(100, UNIT)));
    for (char *p = before; p < before + page_bytes; p += 7) check_info(p, before, LIFE_LIVE);
    for (char *p = before + page_bytes; p < before + 2 * page_bytes; p++)
        check_info(p, before, LIFE_LIVE);
    for (char *p = before + 2 * page_bytes; p < block + page_bytes + 112; p++)
        check_info(p, block, LIFE_LIVE);
    check_info(before - 1, before, LIFE_LIVE); /* the first page of the range */
    char *inaccessible = (char *)round_up((uintptr_t)block + page_bytes, page_bytes);
    check_info(inaccessible, block, LIFE_LIVE);
    check_info(inaccessible + page_bytes - 1, block, LIFE_LIVE);
    check_info(inaccessible + page_bytes, behind, LIFE_LIVE);
    give(block);
    for (char *p = before + 2 * page_bytes; p < inaccessible; p++) check_info(p, block, LIFE_FREED);
    CHECK_EQUAL(guard_info_usable(block), 0);
    CHECK_EQUAL(guard_info_usable(behind + UNIT), 0);
    struct block_info info;
    CHECK(!guard_info(behind + 10 * page_bytes, &info));
    CHECK(!guard_info(&seed, &info));
    CHECK(!guard_range_contains(&seed) && !guard_range_contains(NULL));
}

/* An inaccessible page is attributed to the block that touches it: first to the block after it,
 * which begins where its pages begin, and then to the block before it, which ends where its pages
 * end. */
static void a_page_is_attributed_to_the_block_that_touches_it(void) {
    settings.guard_left = true;
    char *before = take(100, UNIT), *behind = take(100, UNIT);
    check_info(behind - 1, behind, LIFE_LIVE);
    check_info(before + page_bytes, behind, LIFE_LIVE);
    settings.guard_left = false;
    before = take(page_bytes, UNIT), behind = take(page_bytes, UNIT);
    check_info(before + page_bytes, before, LIFE_LIVE);
    check_info(behind - 1, behind, LIFE_LIVE);
}

static void stacks_threads_and_families_are_kept(void) {
    struct block_info info;
    char *block = guard_alloc(100, UNIT, FAMILY_NEW, 4711);
    CHECK(guard_info(block + 50, &info));
    CHECK(info.exact && info.size == 100 && info.start == block);
    CHECK_EQUAL(info.family, FAMILY_NEW);
    CHECK_EQUAL(info.allocated, 4711);
    CHECK_EQUAL(info.allocated_by, os_thread_id());
    CHECK_EQUAL(info.freed, 0);
    CHECK_EQUAL(guard_free(block, 4712), GUARD_FREED);
    CHECK(guard_info(block + 50, &info));
    CHECK_EQUAL(info.life, LIFE_FREED);
    CHECK_EQUAL(info.freed, 4712);
    CHECK_EQUAL(info.freed_by, os_thread_id());
}

/* ---- errors ---- */

static void each_byte_around_a_block_is_checked(void) {
    for (size_t size = 1; size < 40; size++) {
        for (int left = 0; left < 2; left++) {
            settings.guard_left = left;
            char *block = take(size, UNIT), *pages = (char *)((uintptr_t)block & ~(page_bytes - 1));
            char *where[] = {block - 1, pages, block + size, pages + page_bytes - 1};
            for (int i = 0; i < 4; i++) {
                bool inside = where[i] >= block && where[i] < block + size;
                if (where[i] < pages || where[i] >= pages + page_bytes || inside) continue;
                if (block == pages && i == 1) continue;
                char *victim = take(size, UNIT) + (where[i] - block);
                *victim = 0;
                char *start = victim - (where[i] - block);
                CHECK_EQUAL(guard_free(start, 0), GUARD_FREED);
                check_reported(i < 2 ? "heap underflow of" : "heap overflow of");
            }
            give(block);
        }
    }
}

static void the_offset_of_the_damage_is_reported(void) {
    char *block = take(100, UNIT);
    block[105] = block[103] = 0;
    guard_free(block, 0);
    check_reported("byte written at offset 103");
    block = take(100, UNIT);
    block[-9] = block[-7] = 0;
    guard_free(block, 0);
    check_reported("byte written at offset -7");
}

static void checks_on_demand_report_once(void) {
    char *blocks[10];
    for (int i = 0; i < 10; i++) blocks[i] = take(100, UNIT);
    CHECK_EQUAL(guard_damage_check_all(), 0);
    blocks[3][100] = blocks[7][-1] = 1;
    CHECK_EQUAL(guard_damage_check_all(), 2);
    const char *text = reported();
    CHECK(strstr(text, "overflow") != NULL && strstr(text, "underflow") != NULL);
    CHECK_EQUAL(guard_damage_check_all(), 0);
    for (int i = 0; i < 10; i++) give(blocks[i]);
}

static void bad_frees_are_reported(void) {
    char *block = take(100, UNIT);
    check_refused(block + UNIT, "invalid free of");
    check_refused(block - UNIT, "invalid free of");
    check_refused(block + page_bytes, "invalid free of");
    check_refused(block + 100 * page_bytes, "invalid free of");
    give(block);
    check_refused(block, "double free of");
    check_refused(block + UNIT, "invalid free of");
    CHECK_EQUAL(guard_free(&seed, 0), GUARD_NOT);
}

static size_t live_count;
static bool count_one(const struct block_info *info, void *context) {
    CHECK_EQUAL(info->life, LIFE_LIVE);
    CHECK(context == &live_count);
    live_count += info->size;
    return true;
}
static bool stop(const struct block_info *info, void *context) {
    (void)info;
    return ++*(size_t *)context < 3;
}

static void live_blocks_are_walked(void) {
    char *blocks[100];
    for (int i = 0; i < 100; i++) blocks[i] = take((size_t)i, UNIT);
    for (int i = 0; i < 100; i += 2) give(blocks[i]);
    CHECK(guard_info_each(count_one, &live_count));
    CHECK_EQUAL(live_count, 50 * 50);
    live_count = 0;
    CHECK(!guard_info_each(stop, &live_count));
    CHECK_EQUAL(live_count, 3);
}

static struct body bodies[] = {
    BODY(blocks_end_at_an_inaccessible_page),
    BODY(blocks_begin_at_an_inaccessible_page_on_request),
    BODY(large_blocks_are_placed_too),
    BODY(large_blocks_lie_apart_in_checking_modes),
    BODY(every_address_finds_its_block),
    BODY(a_page_is_attributed_to_the_block_that_touches_it),
    BODY(stacks_threads_and_families_are_kept),
    BODY(each_byte_around_a_block_is_checked),
    BODY(the_offset_of_the_damage_is_reported),
    BODY(checks_on_demand_report_once),
    BODY(bad_frees_are_reported),
    BODY(live_blocks_are_walked),
};

int main(void) {
    page_bytes = os_page_size();
    return run_bodies(bodies);
}
