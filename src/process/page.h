/* The statistics page: figures in shared memory (mallow_page.h). Only the control thread calls
 * these functions, because the descriptor is in its own table. */
#ifndef MALLOW_SRC_PAGE_H
#define MALLOW_SRC_PAGE_H

#include "process/stats.h"

/* Creates the page if there is none and writes the figures to it. Returns its descriptor, or -1 if
 * there is no page. */
int page_publish(const struct mallow_stats *stats);

/* Called in the child of a fork, which has no page. Resets the state. */
void page_after_fork(void);

#endif
