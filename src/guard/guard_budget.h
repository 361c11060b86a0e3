/*
 * The limits on guarded blocks, and their counts.
 *
 * Live blocks and the data about freed blocks take at most guard_budget bytes if that is set.
 * Otherwise the limit is 1 MiB if one block in N is guarded, and there is no limit if every block
 * or every large block is guarded. Half of the mappings that the kernel allows a process are left
 * for other uses.
 */
#ifndef MALLOW_GUARD_BUDGET_H
#define MALLOW_GUARD_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "pages/mapping_counts.h"

struct guard_record;

/* Returns the size in bytes of the range for which the budget suffices. */
size_t guard_budget_range(void);

/* Returns true if another block may have `bytes` bytes of pages. guard_lock must be held. */
bool guard_budget_allows(size_t bytes);

/* Counts a block that was allocated (`comes`) or freed. guard_lock must be held. */
void guard_budget_count(const struct guard_record *record, bool comes);

/* Resets the counts of live blocks, but keeps the maxima. */
void guard_budget_forget(void);

/* Returns the counts of live blocks, by requested size. Takes guard_lock. */
struct mapping_counts guard_budget_counts(void);

#endif
