/* The invariants of the page heap, for assertions. Each function asserts them and returns true. */
#ifndef MALLOW_PAGES_VALID_H
#define MALLOW_PAGES_VALID_H

#include <stdbool.h>
#include <stdint.h>

/* Asserts that the tags of the run that begins at the page agree with its length, and those of its
 * neighbours with its ends. Returns true. */
bool pages_run_is_valid(uint32_t page);

/* Asserts that runs cover all pages below the top, that free neighbours of one kind are merged,
 * that each free run is in the list for its length, and that the counts are right. Returns true. */
bool pages_are_valid(void);

/* Does the same, but only once in as many calls as there are runs. */
bool pages_are_valid_at_times(void);

#endif
