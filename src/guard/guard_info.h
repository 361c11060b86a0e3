/* Look-ups: what is known of the guarded block at an address. */
#ifndef MALLOW_GUARD_INFO_H
#define MALLOW_GUARD_INFO_H

#include <stdbool.h>
#include <stddef.h>

#include "report/block.h"

struct guard_record;

/* Returns the description of the record's block. */
struct block_info guard_info_of(const struct guard_record *record);

/* Finds the block that p lies in or next to; false when nothing is known. */
bool guard_info(const void *p, struct block_info *info);

/* Finds the live block that begins at p; false when none does. Takes no lock. */
bool guard_info_live(const void *p, struct block_info *info);

/* Returns the bytes from p to the end of the live block that it lies in; 0 when it lies in none, or
 * this needs a closer look. Takes no lock: a block in use keeps its record. */
size_t guard_info_rest(const void *p);

/* Returns the size that was asked for; 0 when no live block begins at p. */
size_t guard_info_usable(const void *p);

/* Calls back for each live block until that returns false: under the lock, with signals blocked. */
bool guard_info_each(bool (*visit)(const struct block_info *info, void *context), void *context);

#endif
