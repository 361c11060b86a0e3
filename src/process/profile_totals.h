/* The exact figures of the heap in a profile's snapshots. */
#ifndef MALLOW_PROFILE_TOTALS_H
#define MALLOW_PROFILE_TOTALS_H

#include <stdint.h>

#include "mallow_profile.h"

/* See profile_read_totals in profile_section.h. Only one thread at a time may call it. */
void profile_totals_read(struct mallow_profile_snapshot *snapshot, uint64_t *class_blocks);

#endif
