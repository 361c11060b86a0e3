/* The statistics. They are counted from the state bytes on request, so malloc and free count
 * nothing. */
#ifndef MALLOW_STATS_H
#define MALLOW_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "heap/size_class.h"
#include "mallow.h"

_Static_assert(CLASSES <= MALLOW_STATS_CLASSES, "the public structure has room for all classes");

/* Reads all figures except those of heaps and of resident memory, which become zero. The lock is
 * held for one slice of the heap at a time, so a concurrent change may appear in one figure and not
 * in another. The sums still agree. */
void stats_read(struct mallow_stats *stats);

/* Like stats_read, but first takes back what ended threads kept, and also reads the figures of
 * heaps. */
void stats_collect(struct mallow_stats *stats);

/* Like stats_collect, and also reads the figures of resident memory, for which it asks the kernel.
 */
void stats_collect_all(struct mallow_stats *stats);

#endif
