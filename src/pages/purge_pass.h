/* Purging for callers that do not hold the global lock. Each call takes it for one slice at a time,
 * and first gives back runs that were freed without it (pages_settle). */
#ifndef MALLOW_PURGE_PASS_H
#define MALLOW_PURGE_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Purges a slice of the pages that were free during the last ticks, even if nothing is freed any
 * more. True if any were purged. */
bool purge_pass_unused(int64_t now);

/* True if pages are kept that can still become old enough to be purged. */
bool purge_pass_has_more(void);

/* Purges dirty pages in exchange for `pages` fresh ones. For mappings, and for runs of more than
 * PURGE_SLICE pages, which purge_after_alloc leaves to this function. It purges one slice after the
 * other, so that no thread waits long for the lock. */
void purge_pass_exchange(size_t pages);

/* Purges the pages for which the control group has no room. */
void purge_pass_group(void);

#endif
