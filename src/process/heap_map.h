/* Describes where the memory of the library is, and what each page of the heap holds. */
#ifndef MALLOW_HEAP_MAP_H
#define MALLOW_HEAP_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/layout.h"
#include "base/text.h"
#include "mallow_profile.h"

/* Calls `call` for each range of addresses that the library has mapped. */
void heap_map_each_range(void (*call)(void *to, enum mallow_profile_range_use use, uintptr_t start,
                                      uintptr_t end),
                         void *to);

/* The uses of the pages of a part of the heap. */
struct heap_map_slice {
    uint8_t use[64 * GRANULE_PAGES];
};

/* Calls `call` for the pages of the heap (RUN_PAGE), by address, once for neighbours with the same
 * use. If there are more than `most`, it looks at so many at equal distances, each of which stands
 * for those that follow it. The lock is held for a slice of the heap at a time, and never during a
 * call. The slice is the caller's, because its stack may be small. */
void heap_map_each_page(struct heap_map_slice *slice, size_t most,
                        void (*call)(void *to, enum mallow_profile_page_use use, uintptr_t start,
                                     size_t pages),
                        void *to);

/* Adds a line for each range, such as "heap 0x7f0000 0x7f8000". */
void heap_map_add_ranges(struct text *t);

/* Adds a line with a letter for each page of the heap (mallow(7), CONTROL). Only one thread at a
 * time may call it. */
void heap_map_add_pages(struct text *t);

#endif
