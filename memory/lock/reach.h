/* Locks and unlocks ranges with gaps. mlock(2) and munlock(2) would stop at the first gap.
 * Functions that succeed keep errno. */
#ifndef MALLOW_REACH_H
#define MALLOW_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "lock/counts.h"

/* Unlocks all pages of the range that are mapped. Returns false and sets errno if the kernel
 * refuses one; part of the pages may be unlocked then. */
bool reach_unlock(uintptr_t low, uintptr_t high);

/* Locks all pages of the range that are mapped, including inaccessible pages, which secrets have
 * and for which mlock(2) fails. If there are such pages or gaps, this does not make pages resident.
 * Returns false and sets errno if the kernel refuses a page. */
bool reach_lock(struct counts_range range);

#endif
