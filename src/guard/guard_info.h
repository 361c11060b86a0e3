/* Finds the guarded block at an address and describes it. */
#ifndef MALLOW_GUARD_INFO_H
#define MALLOW_GUARD_INFO_H

#include <stdbool.h>
#include <stddef.h>

#include "report/block.h"

struct guard_record;

/* Returns the description of the record's block. */
struct block_info guard_info_of(const struct guard_record *record);

/* Describes the live or freed block that p lies in or next to. Returns false if none is known. A
 * handler that interrupted the holder of guard_lock looks without the lock. */
bool guard_info(const void *p, struct block_info *info);

/* Describes the live block that begins at p. Returns false if there is none. Takes no lock. */
bool guard_info_live(const void *p, struct block_info *info);

/* Returns the number of bytes from p to the end of the live block that p lies in, or 0 if it lies
 * in none. Takes no lock, because a block in use keeps its record. */
size_t guard_info_rest(const void *p);

/* Returns the requested size of the live block that begins at p, or 0 if there is none. */
size_t guard_info_usable(const void *p);

/* Calls `visit` for each live block until it returns false. guard_lock is held during the calls; if
 * the lock is refused, there are none. Returns false if a call did. */
bool guard_info_each(bool (*visit)(const struct block_info *info, void *context), void *context);

#endif
