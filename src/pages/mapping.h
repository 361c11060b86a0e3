/*
 * Blocks with a mapping of their own: large ones, from M_MMAP_THRESHOLD on. They lie outside the
 * reservation, so tables find them. Nothing here waits for a lock: a signal handler may allocate,
 * free or jump away at any instruction, and the child of a fork finds every block but the one at
 * hand.
 */
#ifndef MALLOW_MAPPING_H
#define MALLOW_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

#include "pages/mapping_counts.h"

struct mapping {
    char *block;  /* what the program has */
    char *start;  /* of the mapping: lower than block when the block is aligned */
    size_t bytes; /* of the mapping */
};

/* A zeroed block of its own, aligned to `align` (a power of two); NULL when refused. */
void *mapping_alloc(size_t bytes, size_t align);

/* Like mapping_alloc, but ignores M_MMAP_MAX: for requests that nothing else can serve. */
void *mapping_alloc_always(size_t bytes, size_t align);

/* Bytes of the block, or 0 when no block begins there. */
size_t mapping_usable(const void *block);

/* Frees it; false when no block begins there. */
bool mapping_free(void *block);

/* Resizes it, moving its pages if it must; NULL when refused, and then it is untouched. */
void *mapping_resize(void *block, size_t bytes);

/* Moves the pages [from, from+bytes) into a block of `size` bytes, leaving zeroed ones; NULL when
 * that is refused, and then they are untouched. */
void *mapping_move_in(void *from, size_t bytes, size_t size);

/* Whether so many bytes can be mapped now: for callers that a refusal later on would cost more. */
bool mapping_is_possible(size_t bytes);

/* False for most addresses that are in none. */
bool mapping_may_hold(const void *p);

/* The mapping around an address. */
bool mapping_around(const void *p, struct mapping *found);

struct mapping_counts mapping_count(void);
size_t mapping_bytes(void); /* in use by all of them */

/* Calls back with each; complete in a copied process, where no other thread is. */
void mapping_each(void (*call)(const struct mapping *mapping));

#endif
