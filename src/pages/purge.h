/*
 * Decides how much free memory is kept. Dirty pages can be reused at no cost, while fresh pages
 * cost page faults. But kept memory counts against the process. Therefore:
 *
 *   - Pages that were free during the last ticks (purge_window.h) are not needed. They are purged,
 *     down to the budget.
 *   - When a request cannot be met from dirty pages, as many dirty pages are purged as fresh ones
 *     are used, if they exceed the allowance. Fragmentation then does not raise the peak.
 *
 * By default, at most an eighth of the limit of the process's control group is kept, and at most
 * half of the room that the group has left: nothing near the limit. The memory of the machine does
 * not matter.
 *
 * A program that repeatedly builds and frees something large keeps its pages, because it uses them
 * soon. More than may be kept even for a short time is purged at once, because there may be no
 * later call. That amount follows the recent peak, so that keeping it does not raise the peak. All
 * of this happens on slow paths. The global lock must be held, except where a function says
 * otherwise.
 */
#ifndef MALLOW_PURGE_H
#define MALLOW_PURGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/layout.h"

#define PURGE_SLICE ((size_t)2 * MIB >> RUN_SHIFT) /* pages that one call purges under the lock */

/* Sets the bytes of free memory that are kept; memory beyond them is purged at once, in batches.
 * SIZE_MAX: the amount depends on the memory in use and on time (default). */
#define PURGE_NEVER (SIZE_MAX - 1) /* keeps all of it */
void purge_set_retain(size_t bytes);

/* Reads the limit of the process's control group: at the start, because a sandbox may forbid it
 * later, and regularly in the purge thread. Takes the lock. */
void purge_read_group(void);

/* False if all free memory is kept. Needs no lock. */
bool purge_is_wanted(void);

/* Returns by how many pages a set amount may be exceeded before a batch is purged, or SIZE_MAX when
 * no amount is set. Needs no lock. */
size_t purge_slack(void);

/* Purges a slice of the pages that may not be kept even briefly. True if there are more. */
bool purge_excess(void);

/* True if so many more free pages may be kept for a short time. */
bool purge_would_keep(size_t pages);

/* Called after pages have come back to the page heap. */
void purge_after_free(void);

/* Returns the time for decay, in nanoseconds. Where addresses must be the same in every run, or the
 * system has no clock, it advances with each call instead. Needs no lock. */
int64_t purge_now(void);

/* True if a tick is over, or pages are left from it that should be purged. Needs no lock. */
bool purge_is_due(int64_t now);

/* Called when purge_is_due: purges a slice of the pages that were free during the last ticks. True
 * if any were purged. */
bool purge_unused(int64_t now);

/* True if more free memory is kept than the budget. The excess is purged when it is old enough. */
bool purge_exceeds_budget(void);

/* Called when fresh pages are needed, perhaps because too many were purged. */
void purge_regret(size_t pages);

/* Called after a request took `pages` pages. clean: no dirty run fitted. */
void purge_after_alloc(size_t pages, bool clean);

/* Called after a run has grown in place by `pages` pages. */
void purge_after_growth(size_t pages, bool clean);

/* True if a control group limits the memory. Needs no lock. */
bool purge_has_group(void);

/* Purges a slice of the pages for which the control group has no room. True if there are more. */
bool purge_for_group(void);

/* Purges up to `pages` dirty pages, down to the allowance. Returns how many were purged. */
size_t purge_exchange(size_t pages);

/* 1 while the purge thread (heap/purge_thread.c) sleeps until memory becomes free. */
extern _Atomic int purge_sleeper;
void purge_wake_sleeper(void);

/* Wakes the purge thread. Slow paths that leave memory free call this. Needs no lock. */
ALWAYS_INLINE void purge_wake(void) {
    if (unlikely(atomic_load_explicit(&purge_sleeper, memory_order_relaxed) != 0))
        purge_wake_sleeper();
}

#endif
