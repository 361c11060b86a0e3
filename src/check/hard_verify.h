/* Damage to blocks and free slots of check=hard: finding it, and reporting it. */
#ifndef MALLOW_HARD_VERIFY_H
#define MALLOW_HARD_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "check/record.h"
#include "report/block.h"

/* Whether the slot is, or was last, of such a block; and what is known of that. */
bool hard_is_known(const struct place *place);
void hard_info(const struct place *place, struct block_info *info);

/* Looks at the slot's word, or whether it is still zero; true when somebody wrote there, which is
 * reported. */
bool hard_verify(const struct place *place, const char *when);

/* Looks at what lies before the slab's first slot; 1 when somebody wrote there, which is reported.
 */
size_t hard_verify_lead(struct slab *slab, const char *when);

/* The same as hard_verify, without a report. */
bool hard_is_damaged(const struct place *place);

/* Makes what is free in a slab zero, before its first slot is used so. Of its owner. */
void hard_wipe(struct slab *slab);

/* Reports an overflow of a live block, also while it is being freed. */
void hard_report_overflow(const struct place *place, const char *when);

/* Reports a write to a free slot, and makes it zero. */
void hard_clear_written(char *slot, size_t bytes);

#endif
