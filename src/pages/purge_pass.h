/* Purging for callers without the global lock: each call takes it for one slice at a time, after
 * what was freed without it has come back (pages_settle). */
#ifndef MALLOW_PURGE_PASS_H
#define MALLOW_PURGE_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When nothing was freed for long: returns a slice of what was free during a whole tick; true when
 * some went. */
bool purge_pass_unused(int64_t now);

/* True if pages are kept that could become old enough. */
bool purge_pass_has_more(void);

/* Returns dirty pages for `pages` fresh ones, for mappings and for more pages than PURGE_SLICE,
 * which purge_after_alloc leaves to this: a slice after the other, so that nobody waits long. */
void purge_pass_exchange(size_t pages);

#endif
