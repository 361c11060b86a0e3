/* Guarded blocks: where they are, what is known of them, and for how long. Each test has a process,
 * and so a range, of its own. */
#include "threads.h"

#include "bodies.h"

#include <limits.h>

#include "base/settings.h"
#include "failing_os.h"
#include "guard/guard.h"
#include "guard/guard_table.h"
#include "os/os.h"
#include "os/os_thread.h"
#include "pages/space.h"
#include "pattern.h"
#include "random.h"
#include "report/report.h"

static uint64_t seed = 1;
static size_t page;

/* Whether the page of the address can be read. */
static bool is_accessible(const char *p) {
    char byte;
    return os_read_memory(p, &byte, 1);
}

static char *take(size_t size, size_t align) {
    char *block = guard_alloc(size, align, FAMILY_MALLOC, 0);
    CHECK(block != NULL);
    return block;
}

static void give(char *block) {
    CHECK_EQUAL(guard_free(block, 0), GUARD_FREED);
    check_reported("");
}

/* ---- placement ---- */

static void check_place(const char *block, size_t size, size_t align) {
    CHECK_EQUAL((uintptr_t)block % align, 0);
    CHECK_EQUAL((uintptr_t)block % UNIT, 0);
    for (size_t i = 0; i < size; i++) CHECK_EQUAL(block[i], 0);
    const char *end = (char *)round_up((uintptr_t)block + size, page);
    const char *first = (char *)((uintptr_t)block & ~(page - 1));
    CHECK(!is_accessible(end));
    CHECK(!is_accessible(first - 1));
    if (settings.guard_left && size != 0) CHECK(block == first);
    if (!settings.guard_left)
        CHECK((size_t)(end - block) - size < max_size(min_size(align, page), UNIT));
    CHECK_EQUAL(guard_usable(block), size);
}

static void place_everywhere(void) {
    for (size_t align = 1; align <= MIB; align *= 4) {
        for (size_t size = 0; size < 3 * page; size += 1 + size / 7) {
            char *block = take(size, align);
            check_place(block, size, align);
            memset(block, 1, size);
            give(block);
            CHECK(size == 0 || !is_accessible(block));
        }
    }
}

static void blocks_end_at_an_inaccessible_page(void) { place_everywhere(); }

static void blocks_begin_at_one_on_request(void) {
    settings.guard_left = true;
    place_everywhere();
}

static void large_blocks_are_placed_too(void) {
    static const size_t sizes[] = {100 * KIB + 1, MIB, 64 * MIB + 5, GIB};
    for (int i = 0; i < 4; i++) {
        char *block = take(sizes[i], UNIT);
        block[0] = block[sizes[i] - 1] = 1;
        CHECK(!is_accessible((char *)round_up((uintptr_t)block + sizes[i], page)));
        give(block);
    }
    CHECK(guard_alloc(SIZE_MAX, UNIT, FAMILY_MALLOC, 0) == NULL);
    CHECK(guard_alloc(PTRDIFF_MAX, UNIT, FAMILY_MALLOC, 0) == NULL);
    CHECK(guard_alloc((size_t)1 << 46, UNIT, FAMILY_MALLOC, 0) == NULL);
    CHECK(guard_alloc(1, (size_t)1 << 46, FAMILY_MALLOC, 0) == NULL);
}

/* ---- the range ---- */

static char *proposed[4]; /* what chance says next, as places for a range */
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
        CHECK(guard_table_begin(bytes));
        CHECK_EQUAL(proposals, 0);
        char *block = take(100, UNIT);
        char *first = (char *)((uintptr_t)block & ~(page - 1)) - page;
        CHECK(space_is_apart(first, bytes));
        guard_table_each_part(check_apart);
        CHECK(!guard_contains(space.base) && !guard_contains(space.granule));
        _exit(0);
    }
    check_child_succeeds(child);
}

/* Or blocks of the heap would be taken for guarded ones, of which nothing is known. */
static void the_range_is_not_in_the_heaps(void) {
    const size_t bytes = GIB;
    CHECK(space_start());
    const struct part *parts[] = {&space.granule_part, &space.meta_part, &space.block_part};
    char *far = (char *)((uintptr_t)1 << (os_address_bits() - 3));
    if (!space_is_apart(far, bytes)) far += (uintptr_t)1 << (os_address_bits() - 2);
    choose_range_at(far, far + bytes, bytes);
    for (int i = 0; i < 3; i++) {
        char *start = parts[i]->start, *end = start + parts[i]->limit;
        char *places[] = {start, start + parts[i]->limit / 2 / GRANULE * GRANULE, end - GRANULE,
                          start - bytes / 2};
        for (int k = 0; k < 4; k++) {
            choose_range_at(places[k], far, bytes);
            choose_range_at(far, places[k], bytes);
        }
    }
}

/* ---- lookup ---- */

static void check_info(const char *p, const char *start, enum block_life life) {
    struct block_info info = {.life = LIFE_NONE};
    CHECK(guard_contains(p));
    CHECK(guard_info(p, &info));
    if (info.start != start || info.life != life)
        check_failed("%p belongs to %p (%d), not to %p (%d)\n", (void *)p, (void *)info.start,
                     info.life, (void *)start, life);
}

static void every_address_finds_its_block(void) {
    char *before = take(page, UNIT), *block = take(page + 100, UNIT), *behind = take(200, UNIT);
    CHECK(block - before == (ptrdiff_t)(3 * page - round_up(100, UNIT)));
    for (char *p = before; p < before + page; p += 7) check_info(p, before, LIFE_LIVE);
    for (char *p = before + page; p < before + 2 * page; p++) check_info(p, before, LIFE_LIVE);
    for (char *p = before + 2 * page; p < block + page + 112; p++) check_info(p, block, LIFE_LIVE);
    check_info(before - 1, before, LIFE_LIVE); /* the first page of all */
    char *inaccessible = (char *)round_up((uintptr_t)block + page, page);
    check_info(inaccessible, block, LIFE_LIVE);
    check_info(inaccessible + page - 1, block, LIFE_LIVE);
    check_info(inaccessible + page, behind, LIFE_LIVE);
    give(block);
    for (char *p = before + 2 * page; p < inaccessible; p++) check_info(p, block, LIFE_FREED);
    CHECK_EQUAL(guard_usable(block), 0);
    CHECK_EQUAL(guard_usable(behind + UNIT), 0);
    struct block_info info;
    CHECK(!guard_info(behind + 10 * page, &info));
    CHECK(!guard_info(&seed, &info));
    CHECK(!guard_contains(&seed) && !guard_contains(NULL));
}

/* The next block begins where its pages do, the one before does not end where its pages end. */
static void the_block_that_touches_is_preferred(void) {
    settings.guard_left = true;
    char *before = take(100, UNIT), *behind = take(100, UNIT);
    check_info(behind - 1, behind, LIFE_LIVE);
    check_info(before + page, behind, LIFE_LIVE);
    settings.guard_left = false;
    before = take(page, UNIT), behind = take(page, UNIT);
    check_info(before + page, before, LIFE_LIVE);
    check_info(behind - 1, behind, LIFE_LIVE);
}

static void what_was_given_is_kept(void) {
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

/* ---- what is wrong ---- */

static void each_byte_around_a_block_is_looked_at(void) {
    for (size_t size = 1; size < 40; size++) {
        for (int left = 0; left < 2; left++) {
            settings.guard_left = left;
            char *block = take(size, UNIT), *pages = (char *)((uintptr_t)block & ~(page - 1));
            char *where[] = {block - 1, pages, block + size, pages + page - 1};
            for (int i = 0; i < 4; i++) {
                bool inside = where[i] >= block && where[i] < block + size;
                if (where[i] < pages || where[i] >= pages + page || inside) continue;
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

static void the_offset_of_the_damage_is_told(void) {
    char *block = take(100, UNIT);
    block[105] = block[103] = 0;
    guard_free(block, 0);
    check_reported("byte written at offset 103");
    block = take(100, UNIT);
    block[-9] = block[-7] = 0;
    guard_free(block, 0);
    check_reported("byte written at offset -7");
}

static void checks_on_demand_tell_once(void) {
    char *blocks[10];
    for (int i = 0; i < 10; i++) blocks[i] = take(100, UNIT);
    CHECK_EQUAL(guard_check_all(), 0);
    blocks[3][100] = blocks[7][-1] = 1;
    CHECK_EQUAL(guard_check_all(), 2);
    const char *text = reported();
    CHECK(strstr(text, "overflow") != NULL && strstr(text, "underflow") != NULL);
    CHECK_EQUAL(guard_check_all(), 0);
    for (int i = 0; i < 10; i++) give(blocks[i]);
}

static void check_refused(char *p, const char *report) {
    CHECK_EQUAL(guard_free(p, 0), GUARD_BAD);
    check_reported(report);
}

static void bad_frees_are_reported(void) {
    char *block = take(100, UNIT);
    check_refused(block + UNIT, "invalid free of");
    check_refused(block - UNIT, "invalid free of");
    check_refused(block + page, "invalid free of");
    check_refused(block + 100 * page, "invalid free of");
    give(block);
    check_refused(block, "double free of");
    check_refused(block + UNIT, "invalid free of");
    CHECK_EQUAL(guard_free(&seed, 0), GUARD_NOT);
}

/* ---- how long ---- */

static void give_others(unsigned count) {
    for (unsigned i = 0; i < count; i++) give(take(1, UNIT));
}

/* The range has room for a little more than twice what must be waited for. */
static void addresses_come_again_late(void) {
    enum { ROUNDS = 4000 };
    static char *order[ROUNDS];
    size_t pages = 4 * GUARD_REUSE_DISTANCE + 32;
    CHECK(guard_table_begin(pages * page));
    /* Others leave only a little room. */
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

static void places_are_refused_rather_than_used_too_early(void) {
    size_t pages = 4 * GUARD_REUSE_DISTANCE, given = 0;
    CHECK(guard_table_begin(pages * page));
    for (size_t i = 0; i < pages / 2 - GUARD_REUSE_DISTANCE + 10; i++) take(1, UNIT);
    char *block;
    while ((block = guard_alloc(1, UNIT, FAMILY_MALLOC, 0)) != NULL) {
        give(block);
        CHECK(++given < GUARD_REUSE_DISTANCE);
    }
}

static void a_full_range_refuses_until_there_is_room(void) {
    size_t pages = 2 * GUARD_REUSE_DISTANCE;
    static char *blocks[2 * GUARD_REUSE_DISTANCE];
    CHECK(guard_table_begin(pages * page));
    unsigned count = 0;
    while ((blocks[count] = guard_alloc(1, UNIT, FAMILY_MALLOC, 0)) != NULL) count++;
    CHECK(count > pages / 2 - 2 * GRANULE / page);
    for (unsigned i = 0; i < count; i++) give(blocks[i]);
    give(take(1, UNIT));
}

static void wrapping_around_spares_the_living(void) {
    enum { LIVING = 100 };
    int rounds = (int)(12000 * KIB / page);
    static struct {
        char *start;
        size_t size;
        uint64_t key;
    } living[LIVING];
    CHECK(guard_table_begin(4096 * page));
    for (int i = 0; i < rounds; i++) {
        size_t n = random_below(&seed, LIVING), size = random_below(&seed, 5 * page);
        if (living[n].start != NULL) {
            CHECK(pattern_holds(living[n].start, living[n].size, living[n].key));
            give(living[n].start);
        }
        char *start = take(size, (size_t)1 << random_below(&seed, 16));
        for (size_t k = 0; k < size; k += 61) CHECK_EQUAL(start[k], 0);
        living[n].start = start;
        living[n].size = size;
        living[n].key = pattern_key(start, size, 1);
        pattern_fill(start, size, living[n].key);
        check_info(start, start, LIFE_LIVE);
    }
    CHECK_EQUAL(guard_check_all(), 0);
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

static void the_living_are_walked(void) {
    char *blocks[100];
    for (int i = 0; i < 100; i++) blocks[i] = take((size_t)i, UNIT);
    for (int i = 0; i < 100; i += 2) give(blocks[i]);
    CHECK(guard_each_live(count_one, &live_count));
    CHECK_EQUAL(live_count, 50 * 50);
    live_count = 0;
    CHECK(!guard_each_live(stop, &live_count));
    CHECK_EQUAL(live_count, 3);
}

/* ---- budget ---- */

static size_t mappings(void) {
    static char maps[8 * MIB];
    long length = os_read_file("/proc/self/maps", maps, sizeof maps);
    size_t lines = 0;
    for (long i = 0; i < length; i++) lines += maps[i] == '\n';
    return lines;
}

static void a_sample_stays_within_its_budget(void) {
    static char *blocks[10000];
    settings.guard = 5000;
    unsigned count = 0;
    while (count < 10000 && (blocks[count] = guard_alloc(1, UNIT, FAMILY_MALLOC, 0)) != NULL)
        count++;
    CHECK(count * page <= MIB / 2 && (count + 1) * page > MIB / 2);
    CHECK(guard_alloc(MIB / 8, UNIT, FAMILY_MALLOC, 0) == NULL);
    give(blocks[0]);
    CHECK(guard_alloc(2 * MIB, UNIT, FAMILY_MALLOC, 0) == NULL);
    CHECK(guard_alloc(1, UNIT, FAMILY_MALLOC, 0) != NULL);
    settings.guard_budget = 16 * MIB;
    CHECK(guard_alloc(1, UNIT, FAMILY_MALLOC, 0) != NULL);
}

static void large_blocks_are_guarded_beside_a_sample(void) {
    settings.guard = 5000;
    settings.guard_large = true;
    CHECK(guard_alloc(64 * MIB, UNIT, FAMILY_MALLOC, 0) != NULL);
}

static size_t amount(const char *file, const char *name) {
    char text[8192] = {0};
    CHECK(os_read_file(file, text, sizeof text - 1) > 0);
    return strtoul(strstr(text, name) + strlen(name), NULL, 10) * KIB;
}

static size_t kernel_tables(void) { return amount("/proc/self/status", "VmPTE:"); }

/* Counted page by page, which the other figures are not. */
static size_t own_memory(void) {
    return kernel_tables() + amount("/proc/self/smaps_rollup", "\nRss:");
}

static void what_is_kept_of_freed_blocks_is_in_the_budget(void) {
    settings.guard = 5000;
    give_others(10);
    size_t before = own_memory();
    for (size_t i = 1; i < MIB / 2 / page; i++) take(100, UNIT);
    for (int i = 0; i < 2000; i++) give(take(100, UNIT));
    size_t taken = own_memory() - before;
    if (taken > MIB + 64 * KIB) check_failed("%zu KiB are taken\n", taken / KIB);
}

static void the_kernels_tables_go_back(void) {
    if (page != (size_t)sysconf(_SC_PAGESIZE)) return;
    char *stays = take(100, UNIT);
    give_others(1000);
    size_t before = kernel_tables();
    give_others(16000);
    CHECK(kernel_tables() - before < page * 16000 / 512 / 2);
    give(stays);
}

static void half_of_the_mappings_are_left(void) {
    if (page != (size_t)sysconf(_SC_PAGESIZE)) return;
    size_t before = mappings(), most = os_mapping_limit(), count = 0;
    if (most > 100000) return;
    static char *blocks[100000];
    while ((blocks[count] = guard_alloc(100, UNIT, FAMILY_MALLOC, 0)) != NULL) count++;
    size_t taken = mappings() - before;
    CHECK(taken <= most / 2 + 10 && taken >= most / 2 - 10);
    for (size_t i = 0; i < count; i++) give(blocks[i]);
    CHECK(mappings() <= before + 10);
}

/* ---- the system refuses ---- */

#define DIRTIED ((size_t)1000) /* bytes of each block that are written */

/* Larger pages are made of the kernel's, and cost as many times more. */
static int repeated(int times) { return page > 4 * KIB ? times / 8 : times; }

static void use_a_little(int operations) {
    static char *blocks[40];
    for (int i = 0; i < repeated(operations); i++) {
        char **block = &blocks[random_below(&seed, 40)];
        size_t size = random_below(&seed, 3 * page);
        if (*block != NULL) CHECK_EQUAL(guard_free(*block, 0), GUARD_FREED);
        *block = guard_alloc(size, UNIT, FAMILY_MALLOC, 0);
        if (*block == NULL) CHECK(os_calls_failed() > 0);
        if (*block == NULL) continue;
        for (size_t k = 0; k < size; k += k < DIRTIED ? 97 : page) CHECK_EQUAL((*block)[k], 0);
        memset(*block, 1, min_size(size, DIRTIED));
    }
}

static void fail_calls(enum os_call kind, long first, long count) {
    pid_t child = start_child();
    if (child == 0) {
        CHECK(guard_table_begin(2000 * page));
        os_fail(kind, first, first + count - 1);
        use_a_little(200);
        os_fail(OS_ANY, LONG_MAX, LONG_MAX);
        use_a_little(100); /* what failed comes again */
        give(take(100, UNIT));
        _exit(0);
    }
    check_child_succeeds(child);
}

static void every_call_may_fail(void) {
    static const enum os_call kinds[] = {OS_ANY, OS_COMMIT, OS_DISCARD, OS_RESERVE_AT, OS_EXTEND};
    for (int i = 0; i < 5; i++) {
        for (long n = 1; n < 12; n++) {
            fail_calls(kinds[i], n, 1);
            if (kinds[i] == OS_ANY) fail_calls(kinds[i], n, 4);
        }
        fail_calls(kinds[i], 1, LONG_MAX - 1);
    }
}

static void there_may_be_no_range(void) {
    for (int kind = 0; kind <= OS_ANY; kind++) {
        pid_t child = start_child();
        if (child == 0) {
            os_fail((enum os_call)kind, 1, LONG_MAX);
            use_a_little(100);
            os_fail(OS_ANY, LONG_MAX, LONG_MAX);
            for (int i = 0; i < 256; i++) guard_free(guard_alloc(1, UNIT, FAMILY_MALLOC, 0), 0);
            use_a_little(100);
            _exit(0);
        }
        check_child_succeeds(child);
    }
}

/* Neither in one step nor in two: but what comes again is clear. */
static void pages_that_cannot_be_closed_come_back_clear(void) {
    CHECK(guard_table_begin((4 * GUARD_REUSE_DISTANCE + 40) * page));
    os_fail(OS_DISCARD, 1, LONG_MAX);
    for (int i = 0; i < 2000; i++) {
        if (i == 1000) os_fail(OS_ANY, LONG_MAX, LONG_MAX);
        if (i == 400) os_fail(OS_DISCARD, 1, LONG_MAX);
        char *block = take(100, UNIT);
        for (int k = 0; k < 100; k++) CHECK_EQUAL(block[k], 0);
        memset(block, 1, 100);
        give(block);
    }
}

/* ---- fork ---- */

static _Atomic bool ended;

static void *churn(void *argument) {
    uint64_t random = (uintptr_t)argument;
    char *blocks[20] = {NULL};
    while (!ended) {
        char **block = &blocks[random_below(&random, 20)];
        if (*block != NULL) guard_free(*block, 0);
        *block = guard_alloc(random_below(&random, 3000), UNIT, FAMILY_MALLOC, 0);
    }
    return NULL;
}

static void a_child_can_go_on(void) {
    pthread_t threads[2];
    settings.guard = 1;
    CHECK(guard_table_begin(1600 * page));
    for (uintptr_t i = 0; i < 2; i++) threads[i] = start_thread(churn, (void *)(i + 1));
    for (int i = 0; i < 3; i++) {
        pid_t child = start_child();
        if (child == 0) {
            guard_after_fork();
            for (int k = 0; k < 5; k++) use_a_little(400); /* with pages of 4 KiB all places once */
            _exit(0);
        }
        check_child_succeeds(child);
    }
    ended = true;
    for (int i = 0; i < 2; i++) join_thread(threads[i]);
}

/* As if another thread had been caught at any place. */
static void what_was_in_motion_is_made_whole(void) {
    CHECK(guard_table_begin(2000 * page));
    settings.guard_budget = 2000 * page;
    for (int i = 0; i < 5; i++) {
        use_a_little(200);
        char *block = take(100, UNIT);
        guard_lock.word = 1;
        guard_after_fork();
        check_info(block, block, LIFE_LIVE);
        give(block);
        check_refused(block, "double free");
        CHECK_EQUAL(guard_check_all(), 0);
    }
}

/* ---- sampling ---- */

static void one_in_so_many_is_due(void) {
    static const size_t intervals[] = {1, 2, 3, 100, 5000};
    for (int i = 0; i < 5; i++) {
        struct sample_countdown sample = {0};
        settings.guard = intervals[i];
        size_t due = 0, passed = 0;
        for (int k = 0; k < 1000000; k++) {
            size_t now = 1 + random_below(&seed, 1 + intervals[i] / 50);
            passed += now;
            due += guard_due(&sample, now);
        }
        double mean = (double)passed / (double)due / (double)intervals[i];
        CHECK(mean > 0.9 && mean < 1.1);
    }
    settings.guard = 0;
    struct sample_countdown sample = {0};
    for (int k = 0; k < 1000; k++) CHECK(!guard_due(&sample, 1000));
}

/* ---- all of them ---- */

static struct body bodies[] = {
    BODY(blocks_end_at_an_inaccessible_page),
    BODY(blocks_begin_at_one_on_request),
    BODY(large_blocks_are_placed_too),
    BODY(the_range_is_not_in_the_heaps),
    BODY(every_address_finds_its_block),
    BODY(the_block_that_touches_is_preferred),
    BODY(what_was_given_is_kept),
    BODY(each_byte_around_a_block_is_looked_at),
    BODY(the_offset_of_the_damage_is_told),
    BODY(checks_on_demand_tell_once),
    BODY(bad_frees_are_reported),
    BODY(addresses_come_again_late),
    BODY(places_are_refused_rather_than_used_too_early),
    BODY(a_full_range_refuses_until_there_is_room),
    BODY(wrapping_around_spares_the_living),
    BODY(the_living_are_walked),
    BODY(a_sample_stays_within_its_budget),
    BODY(large_blocks_are_guarded_beside_a_sample),
    BODY(what_is_kept_of_freed_blocks_is_in_the_budget),
    BODY(the_kernels_tables_go_back),
    BODY(half_of_the_mappings_are_left),
    BODY(every_call_may_fail),
    BODY(there_may_be_no_range),
    BODY(pages_that_cannot_be_closed_come_back_clear),
    BODY(a_child_can_go_on),
    BODY(what_was_in_motion_is_made_whole),
    BODY(one_in_so_many_is_due),
};

int main(void) {
    page = os_page_size();
    return run_bodies(bodies);
}
