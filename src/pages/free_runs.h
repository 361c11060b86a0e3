/* The free runs of the page heap: their tags, and lists of them by length. Only the page heap uses
 * this. The global lock must be held. */
#ifndef MALLOW_FREE_RUNS_H
#define MALLOW_FREE_RUNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "pages/space.h"

/*
 * Bins of free runs by length: 1..32 pages exactly, then four to a doubling. A bin holds runs of
 * at least its own length, so every run of a higher bin fits and the bin itself must be searched.
 */
#define EXACT_BINS 32u
#define BINS (EXACT_BINS + 4u * 22u)
#define BIN_WORDS ((BINS + 63) / 64)

struct free_bins {
    uint32_t head[BINS];
    uint64_t nonempty[BIN_WORDS];
};

extern struct free_bins free_bins[2]; /* [0] clean, [1] dirty */

unsigned free_bin_of(uint32_t pages);

static inline void run_set_tag(uint32_t page, enum run_kind kind, uint32_t pages, bool dirty) {
    uint64_t tag = pages | (uint64_t)kind << 32 | (uint64_t)dirty << 40;
    atomic_store_explicit(&run_of(page)->tag, tag, memory_order_relaxed);
}

static inline void run_clear_tag(uint32_t page) {
    atomic_store_explicit(&run_of(page)->tag, 0, memory_order_relaxed);
}

/* With randomize=on, a slab gets a random place in a stretch of free pages (SCATTER_PAGES). */
static inline bool free_run_is_scattered(enum run_kind kind) {
    return settings.randomize && kind == RUN_SLAB;
}

/* Tags a run as free and lists it, without merging it with its neighbours. */
void free_run_mark(uint32_t page, uint32_t pages, bool dirty);

/* Takes a free run from its list and clears its tags. */
void free_run_unmark(uint32_t page, uint32_t pages, bool dirty);

/* Adds [page, page+pages) to the free runs and merges it with free neighbours of its kind. */
void free_run_insert(uint32_t page, uint32_t pages, bool dirty);

/* Turns [start, start+pages) inside the free run into a used one; the rest stays free. */
void free_run_carve(uint32_t run, uint32_t start, uint32_t pages, enum run_kind kind);

/* Returns the first page from `page` on whose address is a multiple of `align` pages. */
size_t free_run_align(size_t page, size_t align);

/* Returns a run of the highest bin that is not empty, or 0. */
uint32_t free_run_longest(const struct free_bins *bins);

/* Returns the first page of a fit, or 0; *found is the run that contains it. A slab that is
 * scattered gets a random fit in one of the longest runs. */
uint32_t free_run_find(const struct free_bins *bins, uint32_t pages, uint32_t align,
                       enum run_kind kind, uint32_t *found);

/* Whole pages of the kernel within a run. Only these can be purged; the kernel's pages may be
 * larger than those of the page heap. */
struct page_range {
    uint32_t first, end;
};
struct page_range free_run_whole_pages(uint32_t run);

/* Returns a dirty run that contains a whole page of the kernel, from the highest bin possible, or
 * 0. */
uint32_t free_run_longest_purgeable(void);

/* Asserts that the tags of a free run agree with its length. Returns true. */
bool free_run_is_valid(uint32_t page);

/* Empties the lists and resets the counts of runs. It does not change `top`, not even between two
 * instructions. */
void free_runs_forget(void);

#endif
