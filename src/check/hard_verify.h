/* Finds and reports damage to blocks and free slots of check=hard. */
#ifndef MALLOW_HARD_VERIFY_H
#define MALLOW_HARD_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "check/record.h"
#include "report/block.h"

/* Returns true if the slot holds a block of check=hard, or if its last block was one. */
bool hard_is_known(const struct slot_ref *ref);

/* Describes the block of hard_is_known. */
void hard_info(const struct slot_ref *ref, struct block_info *info);

/* Reports a write past a live block or to a free slot. Returns true if there was one. */
bool hard_verify(const struct slot_ref *ref, const char *when);

/* Reports a write before the slab's first slot. Returns 1 if there was one, else 0. */
size_t hard_verify_lead(struct slab *slab, const char *when);

/* Returns what hard_verify returns, without a report. */
bool hard_is_damaged(const struct slot_ref *ref);

/* Clears the free slots of a slab before check=hard uses its first one. Called by its owner. */
void hard_wipe(struct slab *slab);

/* Reports an overflow of a live block, or of a block that is being freed. */
void hard_report_overflow(const struct slot_ref *ref, const char *when);

/* Reports a write to a free slot, and makes it zero. */
void hard_clear_written(char *slot, size_t bytes);

#endif
