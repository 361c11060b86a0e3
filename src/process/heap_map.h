/* Describes where the memory of the library is, and what each page of the heap holds. */
#ifndef MALLOW_HEAP_MAP_H
#define MALLOW_HEAP_MAP_H

#include "base/text.h"

/* Adds a line for each range of addresses that the library has mapped, such as
 * "heap 0x7f0000 0x7f8000". */
void heap_map_add_ranges(struct text *t);

/* Adds a line with a letter for each page of the heap (mallow(7), CONTROL). The lock is held for a
 * slice of the heap at a time, and never while the text is sent. */
void heap_map_add_pages(struct text *t);

#endif
