/* The statistics page: figures in shared memory, see mallow_page.h. For the control thread alone,
 * whose descriptor it is. */
#ifndef MALLOW_SRC_PAGE_H
#define MALLOW_SRC_PAGE_H

#include "process/stats.h"

/* Makes the page if there is none, and writes the figures to it; its descriptor, or -1. */
int page_publish(const struct mallow_stats *stats);

/* In the child of a fork, which has none. */
void page_after_fork(void);

#endif
