/* The MAPPINGS, RANGES and PAGES blocks of a profile: what is mapped, which parts of it are the
 * library's, and what the pages of the heap contain. Only one thread at a time may call these
 * functions. */
#ifndef MALLOW_PROFILE_MAPPINGS_H
#define MALLOW_PROFILE_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow_profile.h"

/* `measured`: with figures, for which the kernel needs 60 ms for each GiB of resident memory. */
void profile_mappings_write(bool measured);
void profile_ranges_write(void);
void profile_pages_write(void);

/* Calls `call` for each range of addresses that the library has mapped. Defined in process/hooks.c,
 * as the next one. */
extern void (*const profile_each_range)(void (*call)(void *to, enum mallow_profile_range_use use,
                                                     uintptr_t start, uintptr_t end),
                                        void *to);

/* Calls `call` for the pages of the heap, by address, without a lock. It looks at `most` pages or
 * fewer, at equal distances. */
extern void (*const profile_each_page)(size_t most,
                                       void (*call)(void *to, enum mallow_profile_page_use use,
                                                    uintptr_t start, size_t pages),
                                       void *to);

#endif
