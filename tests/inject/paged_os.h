/*
 * An operating system with larger pages than this machine: MALLOW_TEST_PAGE in the environment is
 * their size; by default it is the machine's own. A call with anything but whole pages of that size
 * fails the test. failing_os.c calls these functions.
 */
#ifndef PAGED_OS_H
#define PAGED_OS_H

#include <stdbool.h>
#include <stddef.h>

/* Fails the test unless both are multiples of the page size. */
void paged_check(const void *start, size_t bytes);

/* Like os_map and os_remap, but aligned to the larger page size. */
void *paged_map(size_t bytes);
void *paged_remap(void *start, size_t old_bytes, size_t new_bytes);

#endif
