/*
 * Returns the memory of free runs to the kernel, whatever is asked for: purge.c decides how much.
 * The global lock must be held.
 */
#ifndef MALLOW_PURGE_RUNS_H
#define MALLOW_PURGE_RUNS_H

#include <stdbool.h>
#include <stddef.h>

/* Returns up to `pages` dirty pages to the kernel, rounded up to whole ones of its own, from the
 * largest runs; how many it was. */
size_t purge_runs_dirty(size_t pages);

/* Unmaps what is free behind the last used run, and what was mapped ahead of need for blocks: they
 * count against limits. False when there is nothing. */
bool purge_runs_top(void);

#endif
