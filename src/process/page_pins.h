/* Says how much free memory a block keeps from going back to the kernel. */
#ifndef MALLOW_PAGE_PINS_H
#define MALLOW_PAGE_PINS_H

#include <stddef.h>

/* Returns the pinned bytes of the pages that contain parts of the block: what lies in resident
 * pages and is neither live nor in a magazine or quarantine, as in mallow_stats. The live blocks of
 * a page account for equal parts of it. Returns 0 if no live block of a slab or of a shared granule
 * begins at p, or the lock is refused. Takes the lock. */
size_t page_pins_of(const void *p);

#endif
