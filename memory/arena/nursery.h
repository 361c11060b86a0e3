/*
 * The first block of memory of each arena. It holds the arena's own data and its first small
 * allocations, so that a small arena needs no chunk. It does not come from the parent's memory, so
 * an arena can change its parent.
 */
#ifndef MALLOW_NURSERY_H
#define MALLOW_NURSERY_H

#include <stddef.h>

#define NURSERY_BYTES ((size_t)1024)

/* Returns a block of NURSERY_BYTES bytes with an alignment of NURSERY_BYTES. Its content is
 * unspecified. Returns NULL and records the failure of `function` if there is no memory.
 * Thread-safe. */
void *nursery_take(const char *function);

/* Makes the block free for a later arena. Thread-safe. */
void nursery_give(void *block);

#endif
