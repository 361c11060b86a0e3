/*
 * The limits on guarded blocks, and their counts.
 *
 * Live blocks and all that is kept of freed ones take at most guard_budget bytes if that is set,
 * and otherwise 1 MiB where one block in N is guarded. There is no limit where every block, or
 * every large one, is guarded. Half of the mappings that the kernel allows a process are left to
 * others.
 */
#ifndef MALLOW_GUARD_BUDGET_H
#define MALLOW_GUARD_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "pages/mapping_counts.h"

struct guard_record;

/* The bytes of the range that the budget pays for. */
size_t guard_budget_range(void);

/* True if another block may have `bytes` bytes of pages. guard_lock must be held. */
bool guard_budget_allows(size_t bytes);

/* Counts a block that comes, or goes. guard_lock must be held. */
void guard_budget_count(const struct guard_record *record, bool comes);

/* Resets the counts of live blocks, but keeps the maxima. */
void guard_budget_forget(void);

/* The live blocks, by the sizes that were asked for. Takes guard_lock. */
struct mapping_counts guard_budget_counts(void);

#endif
