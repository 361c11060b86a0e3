/*
 * Guarded blocks: on pages of their own, between two that are inaccessible, so that an access
 * beyond either end, or after the block was freed, faults at the instruction (fault.c).
 *
 *     right:  | inaccessible | lead     [ block ] slack | inaccessible |
 *     left:   | inaccessible | [ block ] slack          | inaccessible |
 *
 * At the right the block ends less than 16 bytes, or its alignment, before the inaccessible page.
 * Lead and slack are filled, and looked at when the block is freed.
 *
 * What live blocks and all that is kept of freed ones take is bounded: by guard_budget, else by 1
 * MiB where one block in N is guarded, and not at all where every block, or every large one, is.
 * Half of the mappings that the kernel allows a process are left to others.
 */
#ifndef MALLOW_GUARD_H
#define MALLOW_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/heap.h"
#include "pages/mapping.h"
#include "report/block.h"

/* Zeroed; NULL when it is not to be had: then another way is taken. align: a power of two. */
void *guard_alloc(size_t size, size_t align, enum family family, stack_id stack);

enum guard_result {
    GUARD_NOT, /* no guarded block was ever there */
    GUARD_FREED,
    GUARD_BAD, /* no start of a live block: reported, nothing was done */
};
enum guard_result guard_free(void *p, stack_id stack);

/* Whether p lies where guarded blocks are. */
bool guard_contains(const void *p);

/* The block that p lies in, or beside; false when nothing is known. */
bool guard_info(const void *p, struct block_info *info);

/* The live block that begins at p; false when none does. Without the lock, as guard_rest. */
bool guard_live(const void *p, struct block_info *info);

/* Bytes from p to the end of the live block that it lies in; 0: it lies in none, or this needs a
 * closer look. Without the lock: whoever uses a block keeps its record as it is. */
size_t guard_rest(const void *p);

/* The size that was asked for; 0 when no live block starts there. */
size_t guard_usable(const void *p);

/* Reports each live block whose lead or slack was written; how many. */
size_t guard_check_all(void);

/* Reports whether a byte around a live block was written, and returns it; NULL when none was, or
 * the block is not guarded. */
const char *guard_verify(const void *p);

/* The live blocks, by the sizes that were asked for. */
struct mapping_counts guard_count(void);

/* Calls back for each live block until that returns false: under the lock, with signals blocked. */
bool guard_each_live(bool (*visit)(const struct block_info *info, void *context), void *context);

/* After a fault that was reported, lets the access to p succeed; false when it cannot. */
bool guard_open(const void *p);

/* `passed`: allocations since the last call. True, on average once in `settings.guard` of them,
 * when the next one is to be guarded. */
bool guard_due(struct sample_countdown *sample, size_t passed);

/* In the child of a fork. */
void guard_after_fork(void);

#endif
