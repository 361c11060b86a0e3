/*
 * The page heap: runs of 4 KiB pages, for slabs and for blocks too large for a slab.
 *
 * Each page has a tag of one word, so that each change of ownership is one store. The tags of used
 * runs are the truth; the free lists and the tags of free runs are derived from them and can be
 * rebuilt (pages_rebuild). Free runs are dirty (handed out before) or clean (read as zero, not
 * resident). Neighbours of one kind are always merged.
 *
 * The global lock must be held for everything here except pages_free_later. Its holder may be gone
 * for good after any instruction, which is why pages_rebuild exists.
 */
#ifndef MALLOW_PAGES_H
#define MALLOW_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pages/page_counts.h"
#include "pages/space.h"

/* Takes a run whose address is a multiple of `align` pages (a power of two). Returns its first
 * page, or 0 when there is no memory. *clean: true if the run reads as zero. */
uint32_t pages_alloc(uint32_t pages, uint32_t align, enum run_kind kind, bool *clean);

/* Gives a used run back. `clean`: its memory reads as zero and is not resident. */
void pages_free(uint32_t page, bool clean);

/* Frees the run of a block without the lock. The next pages_settle under the lock gives it back.
 * False when the run is not a block, or was freed already. */
bool pages_free_later(uint32_t page);

/* Gives back the runs that pages_free_later has freed. */
void pages_settle(void);

/* Gives the tail of a used run back, keeping its first `pages`. */
void pages_shrink(uint32_t page, uint32_t pages);

/* Extends a used run to `pages` pages over the free run after it; false when there is not enough
 * room. */
bool pages_extend(uint32_t page, uint32_t pages);

/* Makes the pages of a mapping dirty pages of the page heap. Returns false, with nothing changed,
 * if more would be free than may be kept, or the system refuses. */
bool pages_adopt(char *start, size_t bytes);

/* Unmaps the free pages after the last used run, and memory that was mapped ahead of need for
 * blocks and for the allocator itself, because they count against limits. False when there are
 * none. */
bool pages_give_back(void);

/* Rebuilds the lists and counts from the tags of used runs. alone: there is no other thread. */
void pages_rebuild(bool alone);

struct page_counts pages_count(void);

/* Returns the first page of the run that the page is in. It is slow, and meant for messages. */
uint32_t pages_find_start(uint32_t page);

#endif
