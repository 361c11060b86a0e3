/*
 * An operating system with larger pages than this machine has: of MALLOW_TEST_PAGE bytes (in the
 * environment), else the machine's own. Whatever is not made of whole pages of that size ends the
 * test. What others can make fail goes through here: see failing_os.c.
 */
#ifndef PAGED_OS_H
#define PAGED_OS_H

#include <stdbool.h>
#include <stddef.h>

/* The test fails unless both are multiples of the page. */
void paged_check(const void *start, size_t bytes);

/* os_map and os_remap with that alignment. */
void *paged_map(size_t bytes);
void *paged_remap(void *start, size_t old_bytes, size_t new_bytes);

#endif
