/*
 * How much free memory is kept. Reusing dirty pages is free, faulting fresh ones in is not, and
 * kept memory counts against the process; so:
 *
 *   - what was free during a whole tick is not needed and goes, down to the budget;
 *   - when a request cannot be met from dirty pages, as many of those go as fresh ones come, as
 *     far as they exceed the allowance: then fragmentation does not raise the peak.
 *
 * An eighth of what the process's control group allows is the most that is kept by default, and
 * half of what it has room for: nothing near the limit. What the machine has does not matter.
 *
 * A program that builds and tears down something large over and over keeps its pages: within a
 * tick they are used. What is freed without being needed again goes at once, for no later call may
 * come. All of it happens on slow paths, under the global lock.
 */
#ifndef MALLOW_PURGE_H
#define MALLOW_PURGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/layout.h"

#define PURGE_SLICE ((size_t)2 * MIB >> RUN_SHIFT) /* pages that one call returns with the lock */

/* Bytes of free memory that are kept, and what exceeds them goes at once, in batches; SIZE_MAX:
 * chosen by the amount in use and by time (default). */
#define PURGE_NEVER (SIZE_MAX - 1) /* all of it */
void purge_set_retain(size_t bytes);

/* Reads the limit of the process's control group: at start, since a sandbox may forbid it later,
 * and regularly in the purge thread. Takes the lock. */
void purge_read_group(void);

bool purge_is_wanted(void);

/* By how many pages a set amount may be exceeded before a batch goes; SIZE_MAX when none is set. */
size_t purge_slack(void);

/* Returns a slice of what exceeds the amount that may be kept at all; whether there is more. */
bool purge_excess(void);

/* After pages came back to the page heap. */
void purge_after_free(void);

/* The clock of decay. It advances with each call instead where addresses must be the same in every
 * run, and where the system has no clock. */
int64_t purge_now(void);

/* Without the lock. */
bool purge_tick_is_over(int64_t now);

/* After the end of a tick, returns a slice of what was free during all of it; true when some went.
 * The next tick begins once no more is left. */
bool purge_unused(int64_t now);

/* True if more free memory is kept than the budget, which goes once it is old enough. */
bool purge_exceeds_budget(void);

/* Fresh pages are needed. */
void purge_regret(size_t pages);

/* After a request took `pages`: clean ones when no dirty run fitted. */
void purge_after_alloc(size_t pages, bool clean);

/* Returns up to `pages` dirty pages of those beyond the allowance; how many it was. */
size_t purge_exchange(size_t pages);

/* 1 while the purge thread (heap/purge_thread.c) sleeps until memory becomes free. */
extern _Atomic int purge_sleeper;
void purge_wake_sleeper(void);

/* Wakes the purge thread. Slow paths that leave memory free call it. */
ALWAYS_INLINE void purge_wake(void) {
    if (unlikely(atomic_load_explicit(&purge_sleeper, memory_order_relaxed) != 0))
        purge_wake_sleeper();
}

#endif
