/* Counts of the pages by their state, and of the bytes that went back to the kernel. */
#ifndef MALLOW_PAGE_COUNTS_H
#define MALLOW_PAGE_COUNTS_H

#include <stddef.h>
#include <stdint.h>

struct page_counts {
    size_t used;  /* in slabs and blocks */
    size_t dirty; /* free and resident */
    size_t clean; /* free and not resident, below the top */
    size_t top;   /* pages below this one were used, counted from space.base */
    size_t free_runs;
};

extern struct page_counts page_counts; /* under the global lock */

/* Counts bytes of pages that went back to the kernel. Any thread may call it, without the lock. */
void page_counts_add_purged(size_t bytes);
uint64_t page_counts_purged(void);

#endif
