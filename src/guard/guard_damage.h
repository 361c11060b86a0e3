/* Bytes around guarded blocks: fills them, finds those that the program wrote, and reports them. */
#ifndef MALLOW_GUARD_DAMAGE_H
#define MALLOW_GUARD_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "report/block.h"

struct guard_record;

struct guard_damage {
    struct block_info block;
    const char *at; /* the byte that was written */
};

/* Fills lead and slack of a block, whose pages are accessible. */
void guard_damage_fill(const struct guard_record *record);

/* Finds a byte that was written around a live block, and marks the block as reported. False when
 * there is none, or it was reported before. guard_lock must be held. */
bool guard_damage_find(struct guard_record *record, struct guard_damage *found);

/* Reports that the byte `at` next to the block was written. guard_lock must not be held. */
void guard_damage_report(const struct block_info *block, const char *at);

/* Reports each live block whose lead or slack was written; returns how many. */
size_t guard_damage_check_all(void);

/* Reports a byte that was written around the live block that begins at p, and returns it; NULL when
 * there is none, or the block is not guarded. */
const char *guard_damage_verify(const void *p);

#endif
