/*
 * Guarded blocks. Each block has pages of its own between two inaccessible pages, so that an access
 * beyond either end, or after the block was freed, faults at the instruction (report/fault.c).
 *
 *     right:  | inaccessible | lead     [ block ] slack | inaccessible |
 *     left:   | inaccessible | [ block ] slack          | inaccessible |
 *
 * In the layout `right`, the slack is smaller than 16 bytes or than the block's alignment,
 * whichever is larger. Lead and slack are filled with a pattern, which is checked when the block is
 * freed (guard_damage.c).
 */
#ifndef MALLOW_GUARD_H
#define MALLOW_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "report/block.h"

/* Returns a zeroed block, or NULL if it cannot be guarded; the caller then allocates it in another
 * way. align: a power of two. */
void *guard_alloc(size_t size, size_t align, enum family family, stack_id stack);

enum guard_result {
    GUARD_NOT, /* p is not in the range of guarded blocks */
    GUARD_FREED,
    GUARD_BAD, /* no live block begins at p; this was reported */
};
enum guard_result guard_free(void *p, stack_id stack);

/* Called after a fault at p was reported: makes the page accessible, so that the access can be
 * repeated. Returns false if that is not possible. */
bool guard_open(const void *p);

/* Called in the child of a fork. */
void guard_after_fork(void);

#endif
