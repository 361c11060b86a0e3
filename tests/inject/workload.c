/* The workload: allocates, resizes and frees blocks in every part of the heap, and compares the
 * heap's statistics and records with them. */
#include "workload.h"

#include "base/settings.h"
#include "check.h"
#include "check/block_info.h"
#include "check/verify.h"
#include "failing_os.h"
#include "heap/find.h"
#include "mallow.h"
#include "pages/pages.h"
#include "pattern.h"
#include "process/stats.h"
#include "random.h"

#include <errno.h>

enum { BLOCKS = 400, STEPS = 800, STEPS_BETWEEN_CHECKS = 200, EDGE = 1024, RUN_MAX = 100000 };

static struct block {
    void *start;
    size_t size;
    uint64_t key;
    bool stayed; /* A shrinking realloc could not move it. */
} blocks[BLOCKS];

static uint64_t seed;
static uint64_t next_number;
static bool refusals_allowed;

/* ---- blocks ---- */

/* Both ends of a block are filled; the middle of a large block is not. */
static size_t edge(size_t size) { return size < EDGE ? size : EDGE; }

static void fill(const struct block *block) {
    size_t part = edge(block->size);
    pattern_fill((char *)block->start + block->size - part, part, ~block->key);
    pattern_fill(block->start, part, block->key);
}

/* The first `size` bytes of `block`'s content must now be at `start`. */
static void verify_at(const struct block *block, const char *start, size_t size) {
    size_t part = edge(block->size), back = block->size - part;
    bool holds = pattern_holds(start, part < size ? part : size, block->key);
    if (back >= part && size == block->size)
        holds = holds && pattern_holds(start + back, part, ~block->key);
    if (!holds) check_failed("the block of %zu bytes at %p was overwritten\n", size, (void *)start);
}

static void verify(const struct block *block) { verify_at(block, block->start, block->size); }

/* Records and fills a new block. Returns false if it was refused, which is an error unless refusals
 * are allowed. */
static bool accept(struct block *block, void *start, size_t size) {
    int error = errno;
    if (start == NULL) {
        CHECK_EQUAL(error, ENOMEM);
        CHECK(refusals_allowed && os_calls_failed() > 0);
        return false;
    }
    CHECK_EQUAL(error, 0);
    CHECK_EQUAL((uintptr_t)start % 16, 0);
    *block = (struct block){start, size, pattern_key(start, size, next_number++), false};
    fill(block);
    return true;
}

static void allocate(struct block *block, size_t size) {
    errno = 0;
    accept(block, mallow_malloc(size), size);
}

static void allocate_clear(struct block *block, size_t size) {
    errno = 0;
    const char *bytes = mallow_calloc(1, size);
    if (bytes != NULL && size != 0) CHECK(bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
    accept(block, (void *)bytes, size);
}

static void allocate_aligned(struct block *block, size_t alignment, size_t size) {
    errno = 0;
    void *start = mallow_memalign(alignment, size);
    CHECK_EQUAL((uintptr_t)start % alignment, 0);
    accept(block, start, size);
}

static void release(struct block *block) {
    verify(block);
    errno = 0;
    mallow_free(block->start);
    CHECK_EQUAL(errno, 0);
    block->start = NULL;
}

/* A block that cannot be resized keeps its content. */
static void resize(struct block *block, size_t size) {
    verify(block);
    errno = 0;
    struct block before = *block;
    void *moved = mallow_realloc(block->start, size);
    if (moved != NULL) verify_at(&before, moved, size < before.size ? size : before.size);
    if (accept(block, moved, size))
        block->stayed = moved == before.start && refusals_allowed && os_calls_failed() > 0;
    else
        verify(block);
}

/* ---- every part once ---- */

static struct block *free_block(void) {
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].start == NULL) return &blocks[i];
    release(&blocks[0]);
    return &blocks[0];
}

/* Resizes a block from a slot to runs and mappings of several sizes, and back. */
static void grow_and_shrink(void) {
    static const size_t sizes[] = {100,    5000,    40000,  90000,  120000, 300000,
                                   700000, 1500000, 900000, 200000, 60000,  1000};
    struct block *block = free_block(), *next;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (block->start == NULL) {
            allocate(block, sizes[i]);
            continue;
        }
        resize(block, sizes[i]);
        /* The block must not grow into one that follows it. One of more pages would have a mapping
         * of its own and not follow it. */
        size_t follows = sizes[i] / 2 < RUN_MAX ? sizes[i] / 2 : RUN_MAX;
        if ((next = free_block()) != block) allocate(next, follows);
    }
}

/* Empty blocks fill more than a slab, so that one is retired. */
static void hold_nothing(void) {
    enum { MANY = 5000 };
    static void *empty[MANY];
    for (int i = 0; i < MANY; i++) empty[i] = mallow_malloc(0);
    for (int i = 0; i < MANY; i++) mallow_free(empty[i]);
}

/* Afterwards new blocks of the size come from used memory, which is not zero. */
static void fill_and_empty(size_t size) {
    for (int i = 0; i < 10; i++) allocate(free_block(), size);
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].start != NULL && blocks[i].size == size) release(&blocks[i]);
}

static void clear_used_memory(void) {
    static const size_t sizes[] = {48, 3000, 30000, 60000, 100000, 150000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        allocate_clear(free_block(), sizes[i]);
        fill_and_empty(sizes[i]);
        allocate_clear(free_block(), sizes[i]);
        fill_and_empty(sizes[i]);
        mallow_trim(0);
        allocate_clear(free_block(), sizes[i]);
    }
}

static void align(void) {
    for (size_t alignment = 32; alignment <= 4 << 20; alignment *= 2)
        allocate_aligned(free_block(), alignment, alignment / 2 + 1);
}

/* ---- at random ---- */

static size_t random_size(void) {
    size_t bound = (size_t)16 << random_below(&seed, 14);
    return random_below(&seed, bound);
}

static void random_step(void) {
    struct block *block = &blocks[random_below(&seed, BLOCKS)];
    size_t what = random_below(&seed, 8);
    if (block->start != NULL && what < 3)
        resize(block, random_size() + 1);
    else if (block->start != NULL)
        release(block);
    else if (what == 0)
        allocate_clear(block, random_size());
    else if (what == 1) {
        size_t size = random_size(); /* drawn first, with every compiler */
        allocate_aligned(block, (size_t)16 << random_below(&seed, 12), size);
    } else
        allocate(block, random_size());
}

/* ---- checks of the heap ---- */

/* Returns true for a run of a slab that does not exist: it is lost, because it was inaccessible and
 * could not be made accessible again. */
static bool is_lost(uint32_t page) {
    return tag_kind(run_tag(page)) == RUN_SLAB &&
           slab_of(page / GRANULE_PAGES)->kind == GRANULE_RUNS;
}

/* The tags of all runs must follow each other without a gap, and agree with the counts. */
static void check_pages(const struct page_counts *counts) {
    struct page_counts sum = {.top = counts->top};
    long lost = 0;
    for (uint32_t page = GRANULE_PAGES; page < counts->top;) {
        uint64_t tag = run_tag(page);
        CHECK(tag_pages(tag) > 0);
        switch (tag_kind(tag)) {
        case RUN_FREE:
            sum.free_runs++;
            *(tag_dirty(tag) ? &sum.dirty : &sum.clean) += tag_pages(tag);
            break;
        case RUN_BLOCK:
        case RUN_SLAB:
            sum.used += tag_pages(tag);
            break;
        case RUN_FOREIGN:
            break; /* Half of the failing os_extend calls look like occupied memory. */
        default:
            check_failed("page %u is not the start of a run\n", page);
        }
        lost += is_lost(page);
        page += tag_pages(tag);
        CHECK(page <= counts->top);
    }
    CHECK(lost <= os_failed_ever(OS_COMMIT));
    CHECK_EQUAL(sum.used, counts->used);
    CHECK_EQUAL(sum.dirty, counts->dirty);
    CHECK_EQUAL(sum.clean, counts->clean);
    CHECK_EQUAL(sum.free_runs, counts->free_runs);
}

static void check_plain_blocks(const struct mallow_stats *stats) {
    size_t live_blocks = 0, live_bytes = 0, mapped = 0;
    for (int i = 0; i < BLOCKS; i++) {
        if (blocks[i].start == NULL) continue;
        struct block_ref ref = find_block(blocks[i].start);
        CHECK(ref.kind != BLOCK_NONE);
        CHECK(ref.usable >= blocks[i].size);
        mapped += ref.kind == BLOCK_MAPPING;
        if (ref.kind == BLOCK_MAPPING) continue;
        live_blocks++;
        live_bytes += ref.kind == BLOCK_SLOT ? size_class_bytes(ref.size_class) : ref.usable;
    }
    CHECK_EQUAL(stats->live_blocks, live_blocks);
    CHECK_EQUAL(stats->live_bytes, live_bytes);
    CHECK_EQUAL(stats->mappings, mapped);
}

/* Statistics do not count all blocks in these modes, but each block has a record, and the bytes
 * around it are intact. */
static void check_blocks_of_modes(void) {
    for (int i = 0; i < BLOCKS; i++) {
        struct block_info info;
        if (blocks[i].start == NULL) continue;
        CHECK(block_info_of(blocks[i].start, &info));
        CHECK_EQUAL(info.life, LIFE_LIVE);
        CHECK(info.start == blocks[i].start);
        bool exact = info.exact && !blocks[i].stayed;
        CHECK(exact ? info.size == blocks[i].size : info.size >= blocks[i].size);
    }
    CHECK_EQUAL(verify_all("found by the test"), 0);
}

void workload_check_heap(void) {
    static struct mallow_stats stats;
    stats_read(&stats);
    if (settings.modes == 0)
        check_plain_blocks(&stats);
    else
        check_blocks_of_modes();
    struct page_counts pages = pages_count();
    CHECK_EQUAL(stats.dirty_bytes, pages.dirty << RUN_SHIFT);
    CHECK_EQUAL(stats.clean_bytes, pages.clean << RUN_SHIFT);
    CHECK_EQUAL(stats.slab_bytes + stats.run_bytes, pages.used << RUN_SHIFT);
    CHECK_EQUAL(stats.free_runs, pages.free_runs);
    if (space.granules != 0) check_pages(&pages);
}

void workload_run(bool may_fail) {
    refusals_allowed = may_fail;
    seed = 1;
    grow_and_shrink();
    hold_nothing();
    align();
    clear_used_memory();
    workload_check_heap();
    for (int i = 0; i < STEPS; i++) {
        random_step();
        if (i % STEPS_BETWEEN_CHECKS == 0) workload_check_heap();
    }
    mallow_trim(0);
    workload_check_heap();
}

void workload_end(void) {
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].start != NULL) release(&blocks[i]);
    mallow_trim(0);
    workload_check_heap();
}
