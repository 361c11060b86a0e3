/* Figures: counted from the state bytes when somebody asks, so that nothing is counted before. */
#ifndef MALLOW_STATS_H
#define MALLOW_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "heap/size_class.h"
#include "mallow.h"

_Static_assert(CLASSES <= MALLOW_STATS_CLASSES, "the public structure has room for all classes");

/* All figures but those of heaps, which are zero. The lock is held for a slice of the heap at a
 * time, so what happens meanwhile may be in one figure and not in another; the sums hold. */
void stats_read(struct mallow_stats *stats);

/* The same with those of heaps, after what threads that ended kept went back to where it belongs.
 */
void stats_collect(struct mallow_stats *stats);

#endif
