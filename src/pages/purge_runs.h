/* Returns the memory of free runs to the kernel; purge.c decides how much. The global lock must be
 * held. */
#ifndef MALLOW_PURGE_RUNS_H
#define MALLOW_PURGE_RUNS_H

#include <stdbool.h>
#include <stddef.h>

/* Purges up to `pages` dirty pages of the longest runs, rounded up to whole pages of the kernel.
 * Returns how many were purged. */
size_t purge_runs_dirty(size_t pages);

/* Unmaps the free pages after the last used run, and memory that was mapped ahead of need for
 * blocks, because they count against limits. False when there are none. */
bool purge_runs_top(void);

#endif
