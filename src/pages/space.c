#include "pages/space.h"

#include "base/assert.h"
#include "base/atomics.h"
#include "base/numbers.h"
#include "os/open_lock.h"
#include "os/os.h"

struct space space = {.top_pad = 128 * KIB};

/* Half a TiB of blocks; the address space is free until it is touched. */
#define LARGEST_GRANULES ((size_t)1 << 23)
#define SMALLEST_GRANULES ((size_t)64)

#define RANDOM_TRIES 8

#define STEP_MIN ((size_t)256 * KIB)
#define STEP_MAX ((size_t)64 * MIB)

/* How far a mapping of somebody else's may reach into the range. */
#define SKIP_MAX ((size_t)64 * GIB)

/* The allocator's memory per granule, at most: a state byte for each unit and the guard byte of
 * the smallest slots, and as much again for magazines and what shared slots are kept in. */
#define META_PER_GRANULE ((size_t)2 * (GRANULE / UNIT + CACHE_LINE))
#define META_MINIMUM ((size_t)4 * MIB)

/* ---- where the parts are ---- */

static size_t granule_bytes(size_t granules) {
    return round_up(granules * sizeof(struct granule), GRANULE);
}
static size_t meta_bytes(size_t granules) {
    return round_up(max_size(META_MINIMUM, granules * META_PER_GRANULE), GRANULE);
}
static size_t own_bytes(size_t granules) { return granule_bytes(granules) + meta_bytes(granules); }

/* `blocks` NULL: behind the rest; else they grow by the break. */
static void lay_out(char *start, char *blocks, size_t granules, enum growth by) {
    MALLOW_ASSERT((uintptr_t)start % GRANULE == 0);
    MALLOW_ASSERT((uintptr_t)blocks % GRANULE == 0);
    size_t descriptors = granule_bytes(granules), meta = meta_bytes(granules);
    space.granule_part = (struct part){.start = start, .limit = descriptors, .by = by};
    space.meta_part = (struct part){.start = start + descriptors, .limit = meta, .by = by};
    space.block_part = (struct part){.start = blocks != NULL ? blocks : start + descriptors + meta,
                                     .limit = granules * GRANULE,
                                     .by = blocks != NULL ? GROW_BREAK : by};
    space.granule = (struct granule *)start;
    space.base = space.block_part.start;
}

void part_undo(struct part *part) {
    if (part->accessible == 0 || part->by == GROW_COMMITTED) return;
    if (part->by == GROW_BREAK)
        os_break_move(part->start + part->accessible, part->start);
    else
        os_unmap(part->start, part->accessible);
}

/* The first step of each part; the granules last, for only then pointers are looked at. */
static bool parts_begin(void) {
    if (part_grow(&space.meta_part, 1) && space_grow(1)) return true;
    part_undo(&space.granule_part);
    part_undo(&space.meta_part);
    part_undo(&space.block_part);
    return false;
}

/* In the second to fourth eighth of the address space: above what a program's own addresses and a
 * sanitizer's low memory take, below executables (from two thirds on), libraries and stacks. The
 * kernel maps nothing there unasked. */
char *space_random_place(void) {
    size_t eighth = (size_t)1 << (os_address_bits() - 3);
    return (char *)eighth + (os_random() % (3 * eighth >> GRANULE_SHIFT) << GRANULE_SHIFT);
}

/* An eighth of the address space at most. */
static bool choose_range(char *blocks) {
    if (sizeof(void *) < 8) return false;
    size_t eighth = (size_t)1 << (os_address_bits() - 3);
    size_t granules = eighth / (GRANULE + META_PER_GRANULE + sizeof(struct granule));
    granules = min_size(granules & ~(SMALLEST_GRANULES - 1), LARGEST_GRANULES);
    for (int i = 0; i < RANDOM_TRIES; i++) {
        lay_out(space_random_place(), blocks, granules, GROW_MAPPED);
        if (parts_begin()) return true;
    }
    return false;
}

/* The largest that is granted. Blocks that stand apart need their share of what is left too, but in
 * the end as little is taken as can be. */
static bool reserve(char *blocks) {
    for (size_t granules = LARGEST_GRANULES; granules >= SMALLEST_GRANULES; granules /= 2) {
        bool last = granules == SMALLEST_GRANULES && blocks != NULL;
        size_t own = own_bytes(granules), rest = last ? 0 : granules * GRANULE;
        char *start = os_reserve(own + rest);
        if (start == NULL) continue;
        if (blocks != NULL && rest != 0 && os_unmap(start + own, rest)) rest = 0;
        lay_out(start, blocks, granules, GROW_COMMITTED);
        if (parts_begin()) return true;
        os_unmap(start, own + rest);
    }
    return false;
}

static bool choose_break(void) {
    char *blocks = (char *)round_up((uintptr_t)os_break(), GRANULE);
    return blocks != NULL && (choose_range(blocks) || reserve(blocks));
}

RARE bool space_choose(bool by_break) {
    if (by_break && choose_break()) return true;
    if (choose_range(NULL) || reserve(NULL)) return true;
    if (!by_break && choose_break()) return true;
    lay_out((char *)GRANULE, NULL, 0, GROW_MAPPED);
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

/* Blocks alone: the rest is small. */
static void advise(const struct part *part, size_t from, size_t to) {
    if (space.huge_pages && part == &space.block_part && to > from)
        os_advise_huge(part->start + from, to - from);
}

RARE void space_use_huge_pages(void) {
    space.huge_pages = true;
    advise(&space.block_part, 0, space.block_part.accessible);
}

/* Fresh pages are in memory at once, as mlockall(MCL_FUTURE) demands: what is not needed yet would
 * take memory and the limit of what may be locked. The kernel does not purge pages that are locked,
 * and to purge one that nobody has touched changes nothing: so that is how it is found out. */
static bool fresh_is_locked;

static size_t part_step(const struct part *part) {
    /* Steps grow with the part, so that a large heap is not a long series of system calls. */
    if (fresh_is_locked) return STEP_MIN;
    return max_size(STEP_MIN, min_size(part->accessible / 4, STEP_MAX));
}

/* The break must stand where the part ends or, before the first step, in the granule before. */
static bool extend_break(char *end, size_t bytes) {
    char *now = os_break();
    return now <= end && end - now < (ptrdiff_t)GRANULE && os_break_move(now, end + bytes);
}

/* The part goes on by mappings. */
static void follow_break(struct part *part) {
    if (part->by == GROW_BREAK) part->lowest = part->accessible;
    part->by = GROW_MAPPED;
}

static bool part_extend(struct part *part, size_t bytes) {
    MALLOW_ASSERT(bytes != 0 && bytes <= part->limit - part->accessible);
    char *end = part->start + part->accessible;
    if (part->by == GROW_COMMITTED) return os_commit(end, bytes);
    if (part->by == GROW_BREAK && extend_break(end, bytes)) return true;
    enum os_extended extended = os_extend(end, bytes);
    part->occupied = extended == OS_EXTEND_OCCUPIED;
    if (extended != OS_EXTENDED) return false;
    follow_break(part);
    return true;
}

/* Steps to `wish` bytes; where that is refused, as far as is needed. */
static bool grow_towards(struct part *part, size_t bytes, size_t wish) {
    if (bytes <= part->accessible) return true;
    if (bytes > part->limit) return false;
    MALLOW_ASSERT(part->accessible <= part->limit);
    MALLOW_ASSERT(part->lowest <= part->accessible);
    MALLOW_ASSERT(part->accessible % os_page_size() == 0);
    size_t before = part->accessible, need = round_up(bytes, os_page_size());
    size_t want = min_size(round_up(max_size(wish, bytes), GRANULE), part->limit);
    for (part->asked_for = want; !part_extend(part, want - before);) {
        part->asked_for = before;
        if (want == need) return false;
        part->asked_for = want = need;
    }
    MALLOW_ASSERT(want >= bytes && want <= part->limit);
    part->accessible = want;
    advise(part, before, want);
    if (want - before > STEP_MIN || fresh_is_locked)
        fresh_is_locked = !os_purge(part->start + want - os_page_size(), os_page_size());
    return true;
}

bool part_grow(struct part *part, size_t bytes) {
    return grow_towards(part, bytes, part->accessible + part_step(part));
}

static bool give_back_from(struct part *part, char *start, size_t bytes) {
    switch (part->by) {
    case GROW_MAPPED:
        return os_unmap(start, bytes);
    case GROW_COMMITTED:
        return os_discard(start, bytes);
    case GROW_BREAK:
        return os_break_move(start + bytes, start);
    }
    return false;
}

bool part_shrink(struct part *part, size_t bytes) {
    size_t before = part->accessible, to = max_size(round_up(bytes, os_page_size()), part->lowest);
    MALLOW_ASSERT(part->asked_for <= part->limit);
    if (to >= before) return false;
    part->accessible = to; /* first: a fork meanwhile finds a step that was asked for */
    bool gone = give_back_from(part, part->start + to, before - to);
    if (!gone) part->accessible = before;
    part->asked_for = part->accessible;
    return gone;
}

RARE void part_repair(struct part *part) {
    if (part->asked_for <= part->accessible) return;
    if (part->by == GROW_MAPPED)
        os_unmap(part->start + part->accessible, part->asked_for - part->accessible);
    else if (part->by == GROW_BREAK && os_break() == part->start + part->asked_for)
        part->accessible = part->asked_for;
    part->asked_for = part->accessible;
}

RARE void space_repair(void) {
    if (space.granules == 0) {
        space.base = NULL; /* another range is as good */
        return;
    }
    part_repair(&space.granule_part);
    part_repair(&space.meta_part);
    part_repair(&space.block_part);
}

/* Behind what the program has added to its data segment itself; where in the part, or 0. */
static size_t pass_break(struct part *part, size_t bytes) {
    char *now = os_break(), *end = part->start + part->accessible;
    if (part->by != GROW_BREAK || now <= end) return 0;
    size_t next = round_up((size_t)(now - part->start), GRANULE);
    if (next > part->limit || bytes > part->limit - next) return 0;
    return os_break_move(now, part->start + next + bytes) ? next : 0;
}

/* At the first place behind a mapping that is within reach. */
static size_t pass_mapping(struct part *part, size_t bytes) {
    if (part->by == GROW_COMMITTED || !part->occupied) return 0;
    for (size_t step = MIB; step <= SKIP_MAX; step *= 2) {
        size_t next = round_up(part->accessible + step, GRANULE);
        if (next > part->limit || bytes > part->limit - next) return 0;
        enum os_extended extended = os_extend(part->start + next, bytes);
        if (extended == OS_EXTEND_REFUSED) return 0;
        if (extended == OS_EXTEND_OCCUPIED) continue;
        follow_break(part);
        return next;
    }
    return 0;
}

size_t space_skip(size_t granules) {
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(granules != 0);
    struct part *part = &space.block_part;
    struct part before = *part;
    size_t bytes = granules * GRANULE;
    size_t next = pass_break(part, bytes);
    if (next == 0) next = pass_mapping(part, bytes);
    if (next == 0) return 0;
    MALLOW_ASSERT(next > part->accessible);
    MALLOW_ASSERT(next + bytes <= part->limit);
    part->accessible = next + bytes;
    advise(part, next, part->accessible);
    if (space_grow(part->accessible / GRANULE)) return next / GRANULE;
    give_back_from(part, part->start + next, bytes); /* no descriptors for it */
    *part = before;
    return 0;
}

/* Of two at once either may be the last: whoever enters a slow path in vain goes on there, and
 * whoever does not is as right. */
void space_serve_fast(bool fast) {
    racy_store(&space.slow, !fast);
    __atomic_store_n(&space.fast_granules,
                     fast ? __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE) : 0,
                     __ATOMIC_RELEASE);
}

/* Describes all that is accessible. Descriptors are read without a lock: their number never
 * falls, though the pages of the last granules may have been given back. */
static bool describe_blocks(void) {
    size_t usable = max_size(space.block_part.accessible / GRANULE, space.granules);
    if (!part_grow(&space.granule_part, usable * sizeof(struct granule))) return false;
    MALLOW_ASSERT(usable >= space.granules);
    __atomic_store_n(&space.granules, usable, __ATOMIC_RELEASE);
    space_serve_fast(!racy_load(bool, &space.slow));
    return true;
}

/* `wish` bytes of blocks, `bytes` at least, or none. */
/* NOLINTNEXTLINE(misc-no-recursion): once more, with wish == bytes */
static bool grow_described(size_t bytes, size_t wish) {
    size_t before = space.block_part.accessible;
    if (!grow_towards(&space.block_part, bytes, wish)) return false;
    if (describe_blocks()) return true;
    part_shrink(&space.block_part, before);
    return wish > bytes && grow_described(bytes, bytes);
}

bool space_grow(size_t granules) {
    struct part *part = &space.block_part;
    size_t bytes = granules * GRANULE;
    if (bytes > part->limit) return false;
    size_t pad = min_size(space.top_pad, part->limit - bytes);
    size_t step = part->accessible + part_step(part);
    return grow_described(bytes, max_size(bytes + pad, step));
}

bool space_give_back(size_t bytes) {
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(bytes % GRANULE == 0);
    bool some = part_shrink(&space.block_part, max_size(bytes, GRANULE));
    return part_shrink(&space.granule_part, space.granules * sizeof(struct granule)) || some;
}

static bool is_outside(const struct part *part, const char *start, size_t bytes) {
    return start + bytes <= part->start || part->start + part->limit <= start;
}

bool space_is_apart(const char *start, size_t bytes) {
    return is_outside(&space.granule_part, start, bytes) &&
           is_outside(&space.meta_part, start, bytes) &&
           is_outside(&space.block_part, start, bytes);
}
