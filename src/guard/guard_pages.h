/*
 * Makes the pages of guarded blocks accessible and inaccessible.
 *
 * A small range uses the kernel's marks (os_mark) if there are any. Its pages are then accessible,
 * but marked, and the kernel has one mapping for all of them, which no block splits. Otherwise each
 * block's pages are a mapping of their own between mappings without access.
 *
 *                              tried: pages from here on have no marks
 *                                |
 *     [ -  A -  -  B - | -  -  - |   ... ]     A, B: blocks; -: inaccessible (by marks on the left)
 *                      |
 *                    marked: pages from here on have no access
 *
 * `tried` differs from `marked` only while pages are being marked, or if marks cannot be undone.
 */
#ifndef MALLOW_GUARD_PAGES_H
#define MALLOW_GUARD_PAGES_H

#include <stdbool.h>
#include <stdint.h>

/* Makes `pages` pages accessible, which read as zero unless they were accessible before. The page
 * after them stays inaccessible. Returns false if that is refused; they are then inaccessible.
 * guard_lock must be held. */
bool guard_pages_open(uint32_t first, uint32_t pages);

/* Makes pages inaccessible and gives their memory back. Returns false if they may still be
 * accessible or have content. guard_lock must be held. */
bool guard_pages_close(uint32_t first, uint32_t pages);

/* Completes the work of a holder of guard_lock that is gone. */
void guard_pages_repair(void);

/* Returns true if the page lies in the part of the range whose pages have marks. */
bool guard_pages_have_marks(uint32_t page);

#endif
