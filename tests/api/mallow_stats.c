/*
 * mallow_stats: the figures agree with what the program did, the sums that mallow.h promises hold
 * while other threads are at work, and callers may have larger or smaller structures.
 */
#include "check.h"
#include "random.h"
#include "threads.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

#include "mallow.h"

enum { THREADS = 4, READINGS = 300, KEPT = 5000, LARGEST = 300 << 10 };

static size_t (*read_stats)(struct mallow_stats *, size_t);

static struct mallow_stats stats_now(void) {
    struct mallow_stats stats;
    CHECK(read_stats(&stats, sizeof stats) == sizeof stats);
    return stats;
}

static void check_sums(const struct mallow_stats *s) {
    uint64_t live = s->run_bytes, blocks = s->run_blocks, cached = 0, free_slots = 0, mappings = 0;
    for (int i = 0; i < MALLOW_STATS_CLASSES; i++) {
        const struct mallow_class_stats *counts = &s->classes[i];
        live += counts->used_slots * counts->slot_bytes;
        blocks += counts->used_slots;
        cached += counts->cached_slots;
        free_slots += counts->free_slots;
    }
    for (int i = 0; i < MALLOW_STATS_DOUBLINGS; i++) mappings += s->mappings_of_doubling[i];
    CHECK_EQUAL(s->live_bytes, live);
    CHECK_EQUAL(s->live_blocks, blocks);
    CHECK_EQUAL(s->cached_blocks, cached);
    CHECK_EQUAL(s->free_blocks, free_slots);
    CHECK_EQUAL(s->mappings, mappings);
    CHECK_EQUAL(s->heap_bytes, s->slab_bytes + s->run_bytes + s->dirty_bytes + s->clean_bytes);
    CHECK_EQUAL(s->slab_bytes, live - s->run_bytes + s->cached_bytes + s->free_bytes +
                                   s->fresh_bytes + s->unused_bytes);
    CHECK(s->unused_bytes < s->slab_bytes / 4 + 1); /* and not below 0 */
    CHECK(s->top_dirty_bytes <= s->dirty_bytes);
    CHECK(s->mapping_bytes <= s->mapping_bytes_highest);
    CHECK(s->mappings <= s->mappings_highest);
}

/* The first blocks of a size class come from a slab of mixed sizes. The first block of the process
 * creates this slab. */
static void slots_of_mixed_slabs(void) {
    free(malloc(100));
    struct mallow_stats before = stats_now();
    void *block = malloc(1000);
    struct mallow_stats during = stats_now();
    CHECK_EQUAL(during.classes[32].slot_bytes, 1024);
    CHECK_EQUAL(during.classes[32].used_slots, before.classes[32].used_slots + 1);
    CHECK_EQUAL(during.mixed_slabs, before.mixed_slabs);
    CHECK_EQUAL(during.fresh_bytes, before.fresh_bytes - 1024);
    free(block);
    CHECK_EQUAL(stats_now().fresh_bytes, during.fresh_bytes);
    check_sums(&during);
}

static void slots_of_a_class(void) {
    enum { COUNT = 1000, CLASS = 3 };
    static void *blocks[COUNT];
    struct mallow_stats before = stats_now();
    for (int i = 0; i < COUNT; i++) blocks[i] = malloc(48);
    struct mallow_stats during = stats_now();
    check_sums(&during);
    CHECK_EQUAL(during.classes[CLASS].slot_bytes, 48);
    CHECK_EQUAL(during.classes[CLASS].used_slots, before.classes[CLASS].used_slots + COUNT);
    CHECK(during.classes[CLASS].slabs > before.classes[CLASS].slabs);
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
    struct mallow_stats after = stats_now();
    CHECK_EQUAL(after.classes[CLASS].used_slots, before.classes[CLASS].used_slots);
    CHECK_EQUAL(after.classes[CLASS].cached_slots + after.classes[CLASS].free_slots,
                during.classes[CLASS].cached_slots + during.classes[CLASS].free_slots + COUNT);
}

static void pages_come_and_go(void) {
    enum { COUNT = 8, SIZE = 100 << 10 };
    void *blocks[COUNT];
    malloc_trim(0);
    struct mallow_stats before = stats_now();
    CHECK_EQUAL(before.dirty_bytes, 0);
    for (int i = 0; i < COUNT; i++) blocks[i] = malloc(SIZE);
    struct mallow_stats during = stats_now();
    CHECK_EQUAL(during.run_blocks, before.run_blocks + COUNT);
    CHECK_EQUAL(during.run_bytes, before.run_bytes + COUNT * SIZE);
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
    struct mallow_stats after = stats_now();
    CHECK_EQUAL(after.dirty_bytes, COUNT * SIZE);
    CHECK_EQUAL(after.purged_bytes, during.purged_bytes);
    malloc_trim(0);
    struct mallow_stats trimmed = stats_now();
    CHECK_EQUAL(trimmed.dirty_bytes, 0);
    CHECK(trimmed.purged_bytes >= after.purged_bytes + COUNT * SIZE);
    CHECK(trimmed.purged_bytes < after.purged_bytes + COUNT * SIZE + (64 << 10));
}

static void mappings_by_size(void) {
    struct mallow_stats before = stats_now();
    void *block = malloc(100 << 20);
    struct mallow_stats during = stats_now();
    CHECK_EQUAL(during.mappings, before.mappings + 1);
    CHECK_EQUAL(during.mapping_bytes, before.mapping_bytes + malloc_usable_size(block));
    CHECK_EQUAL(during.mappings_of_doubling[26], before.mappings_of_doubling[26] + 1);
    CHECK_EQUAL(during.mapping_bytes_highest, during.mapping_bytes);
    free(block);
    CHECK_EQUAL(stats_now().mappings_of_doubling[26], before.mappings_of_doubling[26]);
    CHECK_EQUAL(stats_now().mapping_bytes_highest, during.mapping_bytes_highest);
}

static void other_sizes(void) {
    struct {
        struct mallow_stats known;
        char more[64];
    } larger;
    char few[24];
    memset(&larger, 0x55, sizeof larger);
    CHECK_EQUAL(read_stats(&larger.known, sizeof larger), sizeof larger.known);
    for (size_t i = 0; i < sizeof larger.more; i++) CHECK_EQUAL(larger.more[i], 0);
    memset(few, 0x55, sizeof few);
    CHECK_EQUAL(read_stats((struct mallow_stats *)(void *)few, 16), sizeof larger.known);
    CHECK(memcmp(few, &larger.known.page_bytes, 8) == 0);
    for (size_t i = 16; i < sizeof few; i++) CHECK_EQUAL(few[i], 0x55);
}

/* ---- resident memory ---- */

static uint64_t resident_by_what_it_holds(const struct mallow_stats *s) {
    return s->resident_live_bytes + s->resident_cached_bytes + s->resident_held_bytes +
           s->pinned_bytes + s->trimmable_bytes + s->surplus_bytes + s->resident_mapping_bytes;
}

/* Each step changes one figure by the pages that it touches or releases. */
static void pages_by_what_they_hold(void) {
    enum { COUNT = 4000, SIZE = 1000, SLOT = 1024, PART = 4, LARGE = 64 << 20 };
    static char *blocks[COUNT];
    malloc_trim(0);
    struct mallow_stats before = stats_now();
    for (int i = 0; i < COUNT; i++) memset(blocks[i] = malloc(SIZE), 1, SIZE);
    struct mallow_stats full = stats_now();
    CHECK(full.resident_live_bytes - before.resident_live_bytes >= COUNT * SLOT);
    CHECK(full.class_pages[32].resident_live_bytes >= COUNT * SLOT - 64 * SLOT);
    CHECK(full.pinned_bytes < before.pinned_bytes + (64 << 10));
    /* One block in four is left, which is one in each page. */
    for (int i = 0; i < COUNT; i++)
        if (i % PART != 0) free(blocks[i]);
    struct mallow_stats pinned = stats_now();
    uint64_t freed = COUNT / PART * (PART - 1) * SLOT;
    CHECK(pinned.pinned_bytes + pinned.resident_cached_bytes + (64 << 10) > freed);
    CHECK(pinned.class_pages[32].pinned_bytes > freed / 10 * 9);
    CHECK(resident_by_what_it_holds(&pinned) + (64 << 10) > resident_by_what_it_holds(&full));
    for (int i = 0; i < COUNT; i += PART) free(blocks[i]);
    struct mallow_stats after = stats_now();
    CHECK(after.trimmable_bytes > COUNT * SLOT / 10 * 9);
    CHECK(after.pinned_bytes < before.pinned_bytes + (64 << 10));
    malloc_trim(0);
    CHECK_EQUAL(stats_now().trimmable_bytes, 0);
    char *large = malloc(LARGE);
    memset(large, 1, LARGE / 2);
    uint64_t mapped = stats_now().resident_mapping_bytes - after.resident_mapping_bytes;
    CHECK(mapped >= LARGE / 2 && mapped < LARGE / 2 + (128 << 10));
    free(large);
}

/* ---- with threads ---- */

static atomic_bool stop;
static atomic_int running;

/* Some megabytes of blocks of all kinds, so that a reading takes several slices. */
static void *churn(void *argument) {
    uint64_t seed = (uintptr_t)argument;
    void **blocks = calloc(KEPT, sizeof *blocks);
    free(malloc(100)); /* gives the thread a heap, which a large block would not */
    running++;
    while (!stop) {
        void **block = &blocks[random_below(&seed, KEPT)];
        size_t bound = (size_t)32 << random_below(&seed, 7);
        if (random_below(&seed, 50) == 0) bound = LARGEST;
        free(*block);
        *block = malloc(random_below(&seed, bound));
    }
    for (int i = 0; i < KEPT; i++) free(blocks[i]);
    free(blocks);
    return NULL;
}

static void sums_hold_for_every_reading(void) {
    pthread_t threads[THREADS];
    struct mallow_stats before = stats_now();
    for (uintptr_t i = 0; i < THREADS; i++) threads[i] = start_thread(churn, (void *)(i + 1));
    while (running < THREADS) usleep(1000);
    CHECK_EQUAL(stats_now().heaps_with_thread, before.heaps_with_thread + THREADS);
    uint64_t heap_bytes = before.heap_bytes;
    struct rlimit limit;
    bool is_limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    for (int i = 0; i < READINGS; i++) {
        struct mallow_stats stats = stats_now();
        check_sums(&stats);
        /* A reading misses no page: the heap shrinks only when address space runs out. */
        CHECK(is_limited || stats.heap_bytes >= heap_bytes);
        heap_bytes = stats.heap_bytes;
        struct mallinfo2 info = mallinfo2();
        CHECK_EQUAL(info.arena, info.uordblks + info.fordblks);
        CHECK(info.uordblks <= info.arena && info.fsmblks <= info.fordblks);
        CHECK(info.keepcost <= info.fordblks && info.smblks <= info.ordblks);
    }
    stop = true;
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
    struct mallow_stats after = stats_now();
    check_sums(&after);
    CHECK_EQUAL(after.heaps_with_thread, before.heaps_with_thread);
    CHECK_EQUAL(after.heaps_without_thread, before.heaps_without_thread + THREADS);
    /* Only the memory that libc keeps for its threads may be left. */
    CHECK(after.live_bytes < before.live_bytes + THREADS * 4096);
}

/* mallow_stats [large]: with "large", only the checks that hold in every mode. */
int main(int argc, char **argv) {
    (void)argv;
    *(void **)&read_stats = dlsym(RTLD_DEFAULT, "mallow_stats");
    CHECK(read_stats != NULL);
    if (argc == 1) {
        slots_of_mixed_slabs();
        slots_of_a_class();
        pages_come_and_go();
        pages_by_what_they_hold();
    }
    mappings_by_size();
    other_sizes();
    if (argc == 1) sums_hold_for_every_reading();
}
