/* The part of the statistics that says what resident pages hold. */
#ifndef MALLOW_STATS_PAGES_H
#define MALLOW_STATS_PAGES_H

#include "mallow.h"

/* Sets the figures of resident memory, which stats_read leaves at zero. Asks the kernel which pages
 * are resident. Other threads wait for one slice of the heap at a time. */
void stats_read_pages(struct mallow_stats *stats);

#endif
