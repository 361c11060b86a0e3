/*
 * First blocks of arenas. Each holds an arena's own data and its first small blocks, so that an
 * arena needs a chunk only when it has grown. They belong to no arena, so an arena can change its
 * parent.
 */
#ifndef MALLOW_NURSERY_H
#define MALLOW_NURSERY_H

#include <stddef.h>

#define NURSERY_BYTES ((size_t)1024)

/* Returns a block of NURSERY_BYTES bytes, aligned to as many, whose content is unspecified. Returns
 * NULL and records the failure of `function` if there is no memory. Thread-safe. */
void *nursery_take(const char *function);

/* Gives it back. Thread-safe. */
void nursery_give(void *block);

#endif
