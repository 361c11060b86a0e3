#include "space.h"

#include "granule.h"
#include "os.h"

struct space space = {.top_pad = 128 * KIB};

/* Address space is free until it is touched, so take plenty: half a TiB on most machines. */
#define LARGEST_GRANULES ((size_t)1 << 23)
#define SMALLEST_GRANULES ((size_t)64)

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

static bool reserve_for(size_t granules) {
    size_t descriptors = granule_bytes(granules), meta = meta_bytes(granules);
    size_t blocks = granules * GRANULE;
    char *start = os_reserve(descriptors + meta + blocks);
    if (start == NULL) return false;
    space.granule_part = (struct part){.start = start, .limit = descriptors};
    space.meta_part = (struct part){.start = start + descriptors, .limit = meta};
    space.block_part = (struct part){.start = start + descriptors + meta, .limit = blocks};
    space.granule = (struct granule *)start;
    space.base = space.block_part.start;
    return true;
}

/* Under RLIMIT_AS the reservation counts in full, so take three fifths of what is left: the rest
 * is for stacks, libraries and blocks with mappings of their own. */
static size_t granules_to_try(void) {
    size_t limit = os_address_limit();
    if (limit == SIZE_MAX) return LARGEST_GRANULES;
    size_t used = os_address_used();
    size_t left = limit > used ? limit - used : 0;
    return min_size(LARGEST_GRANULES, max_size(SMALLEST_GRANULES, left / 5 * 3 / GRANULE));
}

bool space_reserve(void) {
    for (size_t granules = granules_to_try(); granules >= SMALLEST_GRANULES; granules /= 2)
        if (reserve_for(granules)) return true;
    return false;
}

bool part_grow(struct part *part, size_t bytes) {
    if (bytes <= part->accessible) return true;
    if (bytes > part->limit) return false;
    size_t page = os_page_size();
    /* Steps grow with the part, so that a large heap is not a long series of system calls. */
    size_t step = max_size(256 * KIB, min_size(part->accessible / 4, 64 * MIB));
    size_t want = min_size(round_up(max_size(bytes, part->accessible + step), page), part->limit);
    size_t need = round_up(bytes, page); /* limits are multiples of every page size */
    while (!os_commit(part->start + part->accessible, want - part->accessible)) {
        if (want == need) return false;
        want = need;
    }
    part->accessible = want;
    return true;
}

bool space_grow(size_t granules) {
    size_t bytes = granules * GRANULE;
    if (bytes > space.block_part.limit) return false;
    if (bytes > space.block_part.accessible) {
        size_t padded = min_size(round_up(bytes + space.top_pad, GRANULE), space.block_part.limit);
        if (!part_grow(&space.block_part, padded) && !part_grow(&space.block_part, bytes))
            return false;
    }
    size_t usable = space.block_part.accessible / GRANULE;
    if (!part_grow(&space.granule_part, usable * sizeof(struct granule))) return false;
    __atomic_store_n(&space.granules, usable, __ATOMIC_RELEASE);
    return true;
}
