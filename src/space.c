#include "space.h"

#include "granule.h"
#include "os.h"

struct space space = {.top_pad = 128 * KIB};

/* Half a TiB of blocks; the address space is free until it is touched. */
#define LARGEST_GRANULES ((size_t)1 << 23)
#define SMALLEST_GRANULES ((size_t)64)

/* Where the kernel maps nothing unasked: above what a program's own addresses and a sanitizer's
 * low memory take, below executables (from two thirds of the 47 bits), libraries and stacks. */
#define RANDOM_FROM ((uintptr_t)1 << 44)
#define RANDOM_GRANULES ((uint64_t)3 << (44 - GRANULE_SHIFT))
#define RANDOM_TRIES 8

/* How far a mapping of somebody else's may reach into the range. */
#define SKIP_MAX ((size_t)64 * GIB)

/* The allocator's memory per granule, at most: a state byte for each unit and the guard byte of
 * the smallest slots, and as much again for magazines and what cold slots are kept in. */
#define META_PER_GRANULE ((size_t)2 * (GRANULE / UNIT + CACHE_LINE))
#define META_MINIMUM ((size_t)4 * MIB)

static size_t granule_bytes(size_t granules) {
    return round_up(granules * sizeof(struct granule), GRANULE);
}
static size_t meta_bytes(size_t granules) {
    return round_up(max_size(META_MINIMUM, granules * META_PER_GRANULE), GRANULE);
}

/* Lays the parts out from `start`, or tells with NULL how much they take. */
static size_t lay_out(char *start, size_t granules) {
    size_t descriptors = granule_bytes(granules), meta = meta_bytes(granules);
    size_t blocks = granules * GRANULE;
    if (start == NULL) return descriptors + meta + blocks;
    space.granule_part = (struct part){.start = start, .limit = descriptors};
    space.meta_part = (struct part){.start = start + descriptors, .limit = meta};
    space.block_part = (struct part){.start = start + descriptors + meta, .limit = blocks};
    space.granule = (struct granule *)start;
    space.base = space.block_part.start;
    return 0;
}

/* The first step of each part; the granules last, for only then pointers are looked at. */
static bool parts_begin(void) { return part_grow(&space.meta_part, 1) && space_grow(1); }

/* Free if the first steps of all parts can be mapped there. */
static bool try_range(char *start) {
    lay_out(start, LARGEST_GRANULES);
    if (parts_begin()) return true;
    struct part *parts[] = {&space.granule_part, &space.meta_part, &space.block_part};
    for (unsigned i = 0; i < 3; i++)
        if (parts[i]->accessible != 0) os_unmap(parts[i]->start, parts[i]->accessible);
    return false;
}

static bool choose_range(void) {
    space.reserved = false;
    if (sizeof(void *) < 8) return false;
    for (int i = 0; i < RANDOM_TRIES; i++)
        if (try_range((char *)(RANDOM_FROM + (os_random() % RANDOM_GRANULES << GRANULE_SHIFT))))
            return true;
    return false;
}

static bool reserve(void) {
    space.reserved = true;
    for (size_t granules = LARGEST_GRANULES; granules >= SMALLEST_GRANULES; granules /= 2) {
        char *start = os_reserve(lay_out(NULL, granules));
        if (start == NULL) continue;
        lay_out(start, granules);
        if (parts_begin()) return true;
        os_unmap(start, lay_out(NULL, granules));
    }
    return false;
}

RARE bool space_choose(void) {
    if (choose_range() || reserve()) return true;
    lay_out((char *)GRANULE, 0);
    space.base = NULL;
    return false;
}

static bool make_accessible(const struct part *part, size_t from, size_t bytes) {
    char *start = part->start + from;
    if (!(space.reserved ? os_commit : os_extend)(start, bytes)) return false;
    if (space.huge_pages && part == &space.block_part) os_advise_huge(start, bytes);
    return true;
}

RARE void space_use_huge_pages(void) {
    const struct part *part = &space.block_part;
    space.huge_pages = true;
    if (part->accessible != 0) os_advise_huge(part->start, part->accessible);
}

bool part_grow(struct part *part, size_t bytes) {
    if (bytes <= part->accessible) return true;
    if (bytes > part->limit) return false;
    size_t page = os_page_size();
    /* Steps grow with the part, so that a large heap is not a long series of system calls. */
    size_t step = max_size(256 * KIB, min_size(part->accessible / 4, 64 * MIB));
    size_t want = min_size(round_up(max_size(bytes, part->accessible + step), page), part->limit);
    size_t need = round_up(bytes, page); /* limits are multiples of every page size */
    for (part->asked_for = want;
         !make_accessible(part, part->accessible, want - part->accessible);) {
        if (want == need) return false;
        want = need;
    }
    part->accessible = want;
    return true;
}

RARE void space_after_fork(void) {
    struct part *parts[] = {&space.granule_part, &space.meta_part, &space.block_part};
    for (unsigned i = 0; i < 3 && !space.reserved; i++)
        if (parts[i]->asked_for > parts[i]->accessible)
            os_unmap(parts[i]->start + parts[i]->accessible,
                     parts[i]->asked_for - parts[i]->accessible);
}

/* Something else is mapped behind the blocks: goes on at the first place behind it, if there is one
 * within reach. Returns the first granule there, and makes it accessible; or 0. */
size_t space_skip(void) {
    struct part *part = &space.block_part;
    size_t before = part->accessible;
    if (space.reserved) return 0;
    for (size_t step = MIB; step <= SKIP_MAX && before + step < part->limit; step *= 2) {
        size_t next = round_up(before + step, GRANULE);
        if (!make_accessible(part, next, GRANULE)) continue;
        part->accessible = next + GRANULE;
        if (space_grow(part->accessible / GRANULE)) return next / GRANULE;
        part->accessible = before; /* no descriptors for it */
        os_unmap(part->start + next, GRANULE);
        return 0;
    }
    return 0;
}

bool space_grow(size_t granules) {
    size_t bytes = granules * GRANULE;
    if (bytes > space.block_part.limit) return false;
    if (bytes > space.block_part.accessible) {
        size_t pad = min_size(space.top_pad, space.block_part.limit - bytes);
        size_t padded = min_size(round_up(bytes + pad, GRANULE), space.block_part.limit);
        if (!part_grow(&space.block_part, padded) && !part_grow(&space.block_part, bytes))
            return false;
    }
    size_t usable = space.block_part.accessible / GRANULE;
    if (!part_grow(&space.granule_part, usable * sizeof(struct granule))) return false;
    __atomic_store_n(&space.granules, usable, __ATOMIC_RELEASE);
    return true;
}
