/*
 * The page heap: runs of 4 KiB pages, for slabs and for blocks too large for a slab.
 *
 * What a page is stands in runs[page].tag, one word, so that each change of ownership is one
 * store. The words of used runs are the truth; free lists and the words of free runs are derived
 * and can be rebuilt from it (pages_rebuild). Free runs are dirty (handed out before) or clean
 * (read as zero, not resident); neighbours of one kind are always merged.
 *
 * The global lock must be held for everything here but run_tag and pages_free_later. Its holder may
 * go for ever at any instruction: that is what pages_rebuild is for.
 */
#ifndef MALLOW_PAGES_H
#define MALLOW_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pages/page_counts.h"
#include "pages/space.h"

/* Takes a run whose address is a multiple of `align` pages (a power of two). *clean tells
 * that it reads as zero. Returns its first page, or 0 when there is no memory. */
uint32_t pages_alloc(uint32_t pages, uint32_t align, enum run_kind kind, bool *clean);

/* Gives a used run back. `clean`: its memory reads as zero and is not resident. */
void pages_free(uint32_t page, bool clean);

/* Frees a block's run without the lock: the next that holds the lock and calls pages_settle gives
 * it back. False when the run is no block (any more). */
bool pages_free_later(uint32_t page);

/* Gives back what was freed since the last time. */
void pages_settle(void);

/* Gives the tail of a used run back, keeping its first `pages`. */
void pages_shrink(uint32_t page, uint32_t pages);

/* Extends a used run to `pages` over its free neighbour; false when that does not suffice. */
bool pages_extend(uint32_t page, uint32_t pages);

/* Unmaps what is free behind the last used run, and what was mapped ahead of need for blocks and
 * for the allocator's own memory: they count against limits. False when there is nothing. */
bool pages_give_back(void);

/* Makes the lists and counts anew from the tags of used runs. alone: there is no other thread. */
void pages_rebuild(bool alone);

struct page_counts pages_count(void);

/* The first page of the run that the page is in: for messages, slow. */
uint32_t pages_find_start(uint32_t page);

#endif
