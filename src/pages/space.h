/*
 * The address space: the blocks and, separate from them, all data that the allocator has about
 * them.
 *
 *     +-------------------+----------------+--------------------+------------------------------+
 *     | descriptors       | run tags       | allocator's memory | granules: slabs and runs of  |
 *     | 128 B for each    | 256 B for each | states, magazines, | blocks, 64 KiB each,         |
 *     | granule           | granule        | heaps (meta.c)     | accessible to space.granules |
 *     +-------------------+----------------+--------------------+------------------------------+
 *                                                               ^ space.base
 *
 * Each part is made accessible from its left, in steps, as it is needed. The allocator keeps none
 * of its data in a granule that may contain a block.
 *
 * The range is chosen at random in an area of the address space where the kernel places nothing by
 * itself, and is mapped only as far as it is used. Addresses that are not mapped count against no
 * limit, not even one that the program sets later (RLIMIT_AS), are in no core dump, and are not
 * locked by mlockall. If no such range is available, the largest inaccessible reservation that the
 * kernel grants takes its place.
 *
 * With backend=brk, and where no reservation for blocks is granted, the blocks are separate from
 * the rest, at the end of the data segment:
 *
 *     +-----------------+---------+---------+---------+- - - - - - - - - - - -
 *     | program's data, | granules | foreign | granules | mappings after these,
 *     | rounded up      |         |  sbrk   |         | once the break cannot move
 *     +-----------------+---------+---------+---------+- - - - - - - - - - - -
 *                       ^ space.base                  ^ break
 *
 * Memory that the program itself adds to the segment begins where the allocator's last step ended,
 * and is skipped up to the next granule. Once the break cannot move any further, mappings continue
 * the part.
 */
#ifndef MALLOW_SPACE_H
#define MALLOW_SPACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/layout.h"
#include "pages/granule.h"
#include "pages/part.h"

struct space {
    /* Every free reads these. They are constant after start-up, except for the number, which only
     * grows, and is 0 while a mode sends every call to a slow path. */
    char *base;
    size_t fast_granules;
    struct slab *slabs; /* the descriptors, by granule */
    struct run *runs;   /* the tags, by page */
    size_t granules;    /* how many may hold blocks: descriptor and pages are accessible */

    bool slow;
    size_t top_pad;  /* bytes made accessible beyond the need (M_TOP_PAD) */
    bool huge_pages; /* the system is advised to use huge pages for blocks */
    uint64_t seed;   /* unpredictable, and independent of the addresses of the parts */
    struct part slab_part, run_part, meta_part, block_part;
};

extern struct space space;

/* Chooses the places of all parts; false when the kernel grants no address space at all. */
bool space_choose(bool by_break);

/* Returns true if the blocks should be at the program break. It is called before the library is
 * started, when no setting has been read; see process/hooks.c. */
extern bool (*const space_wants_break)(void);

/* Makes the address space usable before the first allocation, which may come from the loader. False
 * when no address space is available now. */
bool space_start(void);

/* Like space_start, for a caller that holds the global lock. */
bool space_start_locked(void);

/* Returns a random place for a range, aligned to GRANULE, where the kernel itself maps nothing. */
char *space_random_place(void);

/* Makes that many granules usable after foreign memory that blocks the growth of the blocks.
 * Returns the first of them, or 0. */
size_t space_skip(size_t granules);

/* Does part_repair for all parts, and resets an address space whose start was interrupted. */
void space_repair(void);

/* Advises the system to use huge pages for existing blocks, and for new ones from now on. */
void space_use_huge_pages(void);

/* True if these bytes do not overlap any part. The places of the parts must be chosen. */
bool space_is_apart(const char *start, size_t bytes);

/* Sets whether the fast path is in use. */
void space_serve_fast(bool fast);

/* Makes the granules [0, granules) usable, with their descriptors; false with nothing changed. */
bool space_grow(size_t granules);

/* Moves the pages of a mapping to the end of the blocks, and unmaps what does not fill a granule.
 * Returns false, with no page moved, if that is refused. If the granules cannot be described, the
 * whole mapping is unmapped. */
bool space_adopt(char *start, size_t bytes);

/* Gives back all but the first `bytes` bytes of blocks, which was mapped ahead of need, so that a
 * limit can be used up completely. False when there is nothing. */
bool space_give_back(size_t bytes);

/* Returns the number of the granule that p lies in. It is at least space.granules for every pointer
 * outside the blocks, including NULL. */
ALWAYS_INLINE size_t granule_of(const void *p) {
    return ((uintptr_t)p - (uintptr_t)space.base) >> GRANULE_SHIFT;
}

static inline char *granule_start(size_t granule) {
    return space.base + (granule << GRANULE_SHIFT);
}

/* Returns the number of the page that p lies in, counted from space.base. */
static inline uint32_t page_of(const void *p) {
    return (uint32_t)(((uintptr_t)p - (uintptr_t)space.base) >> RUN_SHIFT);
}

static inline char *page_start(uint32_t page) { return space.base + ((size_t)page << RUN_SHIFT); }

static inline struct slab *slab_of(size_t granule) { return &space.slabs[granule]; }
static inline size_t slab_granule(const struct slab *slab) { return (size_t)(slab - space.slabs); }

static inline struct run *run_of(uint32_t page) { return &space.runs[page]; }
static inline uint64_t run_tag(uint32_t page) {
    return atomic_load_explicit(&run_of(page)->tag, memory_order_relaxed);
}

#endif
