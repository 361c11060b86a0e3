/*
 * The address space: the blocks and, apart from them, everything the allocator knows about them.
 *
 *     +----------------+--------------------+------------------------------------+
 *     | descriptors    | allocator's memory | granules: slabs and runs of blocks |
 *     | 384 B for each | states, magazines, | 64 KiB each, accessible up to      |
 *     | granule        | heaps (meta.c)     | space.granules                     |
 *     +----------------+--------------------+------------------------------------+
 *                                           ^ space.base
 *
 * Each part is made accessible from its left, in steps, as it is needed. Nothing of the
 * allocator's is inside a granule that a block may be in.
 *
 * The range is chosen at random in a part of the address space where the kernel places nothing by
 * itself, and mapped only as far as it is used: what is not mapped counts against no limit, also
 * not one that the program sets later (RLIMIT_AS), is in no core and is not locked by mlockall.
 * Where that range cannot be had, a reservation without access is made instead, the largest that
 * is granted.
 *
 * With backend=brk, and where no reservation for blocks is granted, they stand apart from the rest,
 * at the end of the data segment:
 *
 *     +-----------------+---------+---------+---------+- - - - - - - - - - - -
 *     | program's data, | granules | foreign | granules | what else is mapped
 *     | rounded up      |         |  sbrk   |         | behind, once the break is stuck
 *     +-----------------+---------+---------+---------+- - - - - - - - - - - -
 *                       ^ space.base                  ^ break
 *
 * What the program itself adds to the segment begins where our last step ended, and is passed over
 * up to the next granule. Once the break cannot move any further, the part goes on by mappings.
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
    /* What every free reads: constant after start-up, but for the number, which only grows; 0 while
     * special modes send every call to a slow path, so that the fast one ends soon. */
    char *base;
    size_t fast_granules;
    struct granule *granule; /* the descriptors */
    size_t granules;         /* how many may hold blocks: descriptor and pages are accessible */

    bool slow;
    size_t top_pad;  /* bytes made accessible beyond the need (M_TOP_PAD) */
    bool huge_pages; /* the system is advised to use huge pages for blocks */
    struct part granule_part, meta_part, block_part;
};

extern struct space space;

/* Chooses where everything is; false when the kernel grants no address space at all. */
bool space_choose(bool by_break);

/* True when the blocks are to lie at the program break. Called before the library is loaded, when
 * no setting has been read: see process/hooks.c. */
extern bool (*const space_wants_break)(void);

/* Makes the address space usable, before the first allocation, which may come from the loader.
 * Returns false when there is none (yet). */
bool space_start(void);

/* Like space_start, for a caller that holds the global lock. */
bool space_start_locked(void);

/* A place for a range, at random, where nothing is mapped unasked; aligned to GRANULE. */
char *space_random_place(void);

/* Goes on with that many granules behind what somebody else has put in the way of the blocks.
 * Returns the first of them, or 0. */
size_t space_skip(size_t granules);

/* Like part_repair, for all parts, and for a space whose start was interrupted. */
void space_repair(void);

/* From now on, and for the blocks that there are. */
void space_use_huge_pages(void);

/* Whether the heap's range, which has been chosen, is nowhere near. */
bool space_is_apart(const char *start, size_t bytes);

/* Whether the fast path is in use. */
void space_serve_fast(bool fast);

/* Makes the granules [0, granules) usable, with their descriptors; false with nothing changed. */
bool space_grow(size_t granules);

/* Gives back what lies beyond the blocks' first `bytes` and was mapped ahead of need, so that a
 * limit can be used to its end. False when there is nothing. */
bool space_give_back(size_t bytes);

/* The granule's number; >= space.granules for every pointer that is not ours, NULL included. */
ALWAYS_INLINE size_t granule_of(const void *p) {
    return ((uintptr_t)p - (uintptr_t)space.base) >> GRANULE_SHIFT;
}

static inline char *granule_start(size_t granule) {
    return space.base + (granule << GRANULE_SHIFT);
}

/* The page's number, from space.base. */
static inline uint32_t page_of(const void *p) {
    return (uint32_t)(((uintptr_t)p - (uintptr_t)space.base) >> RUN_SHIFT);
}

static inline char *page_start(uint32_t page) { return space.base + ((size_t)page << RUN_SHIFT); }

static inline struct slab *slab_of(size_t granule) { return &space.granule[granule].slab; }
static inline size_t slab_granule(const struct slab *slab) {
    return (size_t)((const struct granule *)slab - space.granule);
}

static inline struct run *run_of(uint32_t page) {
    return &space.granule[page / GRANULE_PAGES].runs[page % GRANULE_PAGES];
}
static inline uint64_t run_tag(uint32_t page) {
    return atomic_load_explicit(&run_of(page)->tag, memory_order_relaxed);
}

#endif
