#include "pages/space.h"

#include "base/assert.h"
#include "base/atomics.h"
#include "base/numbers.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "os/os_process.h"

struct space space = {.top_pad = 128 * KIB};

/* Half a TiB of blocks. Address space costs nothing until it is touched. */
#define LARGEST_GRANULES ((size_t)1 << 23)
#define SMALLEST_GRANULES ((size_t)64)

#define RANDOM_TRIES 8

/* The allocator's own memory for a granule, at most: a state byte for each unit and a cache line
 * for the guard byte, and as much again for magazines and the lists of shared slots. */
#define META_PER_GRANULE ((size_t)2 * (GRANULE / UNIT + CACHE_LINE))
#define RUNS_PER_GRANULE (GRANULE_PAGES * sizeof(struct run))
#define META_MINIMUM ((size_t)4 * MIB)

/* ---- where the parts are ---- */

static size_t space_slab_bytes(size_t granules) {
    return round_up(granules * sizeof(struct slab), GRANULE);
}
static size_t space_run_bytes(size_t granules) {
    return round_up(granules * RUNS_PER_GRANULE, GRANULE);
}
static size_t space_meta_bytes(size_t granules) {
    return round_up(max_size(META_MINIMUM, granules * META_PER_GRANULE), GRANULE);
}
static size_t space_own_bytes(size_t granules) {
    return space_slab_bytes(granules) + space_run_bytes(granules) + space_meta_bytes(granules);
}

static char *space_end(const struct part *part) { return part->start + part->limit; }

/* blocks: NULL if the blocks follow the other parts, or else the place where they grow by the
 * break. */
static void space_lay_out(char *start, char *blocks, size_t granules, enum growth by) {
    MALLOW_ASSERT((uintptr_t)start % GRANULE == 0);
    MALLOW_ASSERT((uintptr_t)blocks % GRANULE == 0);
    space.slab_part = (struct part){.start = start, .limit = space_slab_bytes(granules), .by = by};
    space.run_part = (struct part){
        .start = space_end(&space.slab_part), .limit = space_run_bytes(granules), .by = by};
    space.meta_part = (struct part){
        .start = space_end(&space.run_part), .limit = space_meta_bytes(granules), .by = by};
    space.block_part = (struct part){.start = blocks != NULL ? blocks : space_end(&space.meta_part),
                                     .limit = granules * GRANULE,
                                     .by = blocks != NULL ? GROW_BREAK : by,
                                     .huge_pages = space.huge_pages};
    space.slabs = (struct slab *)(void *)space.slab_part.start;
    space.runs = (struct run *)(void *)space.run_part.start;
    space.base = space.block_part.start;
}

/* Names the first steps only: a system call for each later step could end a program that allows
 * itself few system calls. What lies directly after a named mapping belongs to the same part. The
 * kernel shows the data segment as [heap] in any case. */
static void space_name_parts(void) {
    const struct part *const parts[] = {&space.slab_part, &space.run_part, &space.meta_part,
                                        &space.block_part};
    for (unsigned i = 0; i < 4; i++)
        if (parts[i]->by != GROW_BREAK)
            os_name_memory(parts[i]->start, parts[i]->accessible,
                           parts[i] == &space.block_part ? "mallow heap" : "mallow metadata");
}

/* Makes the first step of each part. The granules come last, because they enable look-ups. */
static bool space_begin(void) {
    if (part_grow(&space.meta_part, 1) && space_grow(1)) {
        space_name_parts();
        return true;
    }
    part_undo(&space.slab_part);
    part_undo(&space.run_part);
    part_undo(&space.meta_part);
    part_undo(&space.block_part);
    return false;
}

/* The place is in the second to fourth eighth of the address space. That is above the program's own
 * addresses and the low memory of sanitizers, and below executables (from two thirds on), libraries
 * and stacks. The kernel chooses no address there by itself. */
char *space_random_place(void) {
    size_t eighth = (size_t)1 << (os_address_bits() - 3), places = 3 * eighth >> GRANULE_SHIFT;
    uint64_t random = os_random();
    if (space.seed == 0) space.seed = random / places;
    return (char *)eighth + (random % places << GRANULE_SHIFT);
}

/* The range takes at most an eighth of the address space. */
static bool space_choose_range(char *blocks) {
    if (sizeof(void *) < 8) return false;
    size_t eighth = (size_t)1 << (os_address_bits() - 3);
    size_t granules =
        eighth / (GRANULE + META_PER_GRANULE + RUNS_PER_GRANULE + sizeof(struct slab));
    granules = min_size(granules & ~(SMALLEST_GRANULES - 1), LARGEST_GRANULES);
    for (int i = 0; i < RANDOM_TRIES; i++) {
        space_lay_out(space_random_place(), blocks, granules, GROW_MAPPED);
        if (space_begin()) return true;
    }
    return false;
}

/* Reserves the largest range that is granted. Blocks that lie elsewhere need some of the remaining
 * address space, so a range of their size is demanded as well, except in the last attempt. */
static bool space_reserve(char *blocks) {
    for (size_t granules = LARGEST_GRANULES; granules >= SMALLEST_GRANULES; granules /= 2) {
        bool last = granules == SMALLEST_GRANULES && blocks != NULL;
        size_t own = space_own_bytes(granules), rest = last ? 0 : granules * GRANULE;
        char *start = os_reserve(own + rest);
        if (start == NULL) continue;
        if (blocks != NULL && rest != 0 && os_unmap(start + own, rest)) rest = 0;
        space_lay_out(start, blocks, granules, GROW_COMMITTED);
        if (space_begin()) return true;
        os_unmap(start, own + rest);
    }
    return false;
}

static bool space_choose_break(void) {
    char *blocks = (char *)round_up((uintptr_t)os_break(), GRANULE);
    return blocks != NULL && (space_choose_range(blocks) || space_reserve(blocks));
}

RARE bool space_choose(bool by_break) {
    if (by_break && space_choose_break()) return true;
    if (space_choose_range(NULL) || space_reserve(NULL)) return true;
    if (!by_break && space_choose_break()) return true;
    space_lay_out((char *)GRANULE, NULL, 0, GROW_MAPPED);
    space.base = NULL;
    return false;
}

bool space_start_locked(void) { return space.base != NULL || space_choose(space_wants_break()); }

bool space_start(void) {
    if (likely(__atomic_load_n(&space.granules, __ATOMIC_ACQUIRE) != 0)) return true;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    bool started = space_start_locked();
    open_lock_drop(&global_lock, &hold);
    return started;
}

/* ---- growing ---- */

RARE void space_use_huge_pages(void) {
    space.huge_pages = space.block_part.huge_pages = true;
    part_advise(&space.block_part, 0, space.block_part.accessible);
}

RARE void space_repair(void) {
    if (space.granules == 0) {
        space.base = NULL; /* another range is equally good */
        return;
    }
    part_repair(&space.slab_part);
    part_repair(&space.run_part);
    part_repair(&space.meta_part);
    part_repair(&space.block_part);
}

size_t space_skip(size_t granules) {
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(granules != 0);
    struct part *part = &space.block_part;
    struct part before = *part;
    size_t bytes = granules * GRANULE;
    size_t next = part_skip(part, bytes);
    if (next == 0) return 0;
    if (space_grow(part->accessible / GRANULE)) return next / GRANULE;
    part_give_back(part, part->start + next, bytes); /* there are no descriptors for it */
    *part = before;
    return 0;
}

/* If two threads do this at once, either may be the last. A call that takes the slow path without
 * need continues there, and a call that takes the fast path is served correctly, too. */
void space_serve_fast(bool fast) {
    racy_store(&space.slow, !fast);
    __atomic_store_n(&space.fast_granules,
                     fast ? __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE) : 0,
                     __ATOMIC_RELEASE);
}

/* Makes the descriptors and tags of all accessible granules accessible. They are read without a
 * lock, so their number never falls, even when the pages of the last granules were given back. */
static bool space_describe(void) {
    size_t usable = max_size(space.block_part.accessible / GRANULE, space.granules);
    if (!part_grow(&space.slab_part, usable * sizeof(struct slab)) ||
        !part_grow(&space.run_part, usable * RUNS_PER_GRANULE))
        return false;
    MALLOW_ASSERT(usable >= space.granules);
    __atomic_store_n(&space.granules, usable, __ATOMIC_RELEASE);
    space_serve_fast(!racy_load(bool, &space.slow));
    return true;
}

/* Makes `wish` bytes of blocks usable, or at least `bytes`; false with nothing changed. */
/* NOLINTNEXTLINE(misc-no-recursion): once more, with wish == bytes */
static bool space_grow_described(size_t bytes, size_t wish) {
    size_t before = space.block_part.accessible;
    if (!part_grow_towards(&space.block_part, bytes, wish)) return false;
    if (space_describe()) return true;
    part_shrink(&space.block_part, before);
    return wish > bytes && space_grow_described(bytes, bytes);
}

bool space_grow(size_t granules) {
    struct part *part = &space.block_part;
    size_t bytes = granules * GRANULE;
    if (bytes > part->limit) return false;
    size_t pad = min_size(space.top_pad, part->limit - bytes);
    size_t step = part->accessible + part_step(part);
    return space_grow_described(bytes, max_size(bytes + pad, step));
}

bool space_adopt(char *start, size_t bytes) {
    open_lock_assert_held(&global_lock);
    size_t before = space.block_part.accessible, kept = bytes & ~(GRANULE - 1);
    if (kept == 0 || before == 0 || before % GRANULE != 0) return false;
    if (!part_adopt(&space.block_part, start, bytes, kept)) return false;
    if (!space_describe()) part_shrink(&space.block_part, before);
    return true;
}

bool space_give_back(size_t bytes) {
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(bytes % GRANULE == 0);
    bool some = part_shrink(&space.block_part, max_size(bytes, GRANULE));
    some |= part_shrink(&space.slab_part, space.granules * sizeof(struct slab));
    some |= part_shrink(&space.run_part, space.granules * RUNS_PER_GRANULE);
    return some;
}

static bool space_is_outside(const struct part *part, const char *start, size_t bytes) {
    return start + bytes <= part->start || part->start + part->limit <= start;
}

bool space_is_apart(const char *start, size_t bytes) {
    return space_is_outside(&space.slab_part, start, bytes) &&
           space_is_outside(&space.run_part, start, bytes) &&
           space_is_outside(&space.meta_part, start, bytes) &&
           space_is_outside(&space.block_part, start, bytes);
}
