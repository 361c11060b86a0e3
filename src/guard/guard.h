/*
 * Guarded blocks: on pages of their own, between two that are inaccessible, so that an access
 * beyond either end, or after the block was freed, faults at the instruction (fault.c).
 *
 *     right:  | inaccessible | lead     [ block ] slack | inaccessible |
 *     left:   | inaccessible | [ block ] slack          | inaccessible |
 *
 * At the right the block ends less than 16 bytes, or its alignment, before the inaccessible page.
 * Lead and slack are filled, and looked at when the block is freed (guard_damage.c).
 */
#ifndef MALLOW_GUARD_H
#define MALLOW_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "report/block.h"

/* Returns a zeroed block, or NULL when it cannot be guarded: the caller then takes another way.
 * align: a power of two. */
void *guard_alloc(size_t size, size_t align, enum family family, stack_id stack);

enum guard_result {
    GUARD_NOT, /* no guarded block was ever there */
    GUARD_FREED,
    GUARD_BAD, /* no live block begins there: reported, nothing was done */
};
enum guard_result guard_free(void *p, stack_id stack);

/* After a fault that was reported, lets the access to p succeed; false when it cannot. */
bool guard_open(const void *p);

/* In the child of a fork. */
void guard_after_fork(void);

#endif
