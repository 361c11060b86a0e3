/* Fills the bytes around guarded blocks, finds those that the program has written, and reports
 * them. */
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

/* Fills the lead and slack of a block. Its pages must be accessible. */
void guard_damage_fill(const struct guard_record *record);

/* Finds a byte that was written around a live block, and marks the block as reported. Returns false
 * if there is none or the block was reported before. guard_lock must be held. */
bool guard_damage_find(struct guard_record *record, struct guard_damage *found);

/* Reports that the byte `at` next to the block was written. guard_lock must not be held. */
void guard_damage_report(const struct block_info *block, const char *at);

/* Reports each live block whose lead or slack was written. Returns the number of these blocks. */
size_t guard_damage_check_all(void);

/* Reports and returns a byte that was written around the live block that begins at p. Returns NULL
 * if there is none or the block is not guarded. */
const char *guard_damage_verify(const void *p);

#endif
