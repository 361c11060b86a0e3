/* Sorting in place and searching for the leak check. libc's qsort may allocate. */
#ifndef MALLOW_LEAK_SORT_H
#define MALLOW_LEAK_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAK_SORT_MAX 128u /* bytes of an element */

/* Sorts `count` elements of `size` bytes, at most LEAK_SORT_MAX. `before` returns true if *a must
 * precede *b. */
void leak_sort(void *list, size_t count, size_t size, bool (*before)(const void *a, const void *b));

/* Orders address ranges by their start. An element begins with two uintptr_t, the start and the end
 * of its range. */
bool leak_is_range_before(const void *a, const void *b);

/* Returns the index of the first range that ends after the address, or `count`. The ranges must be
 * sorted and must not overlap. */
size_t leak_find_range(const void *list, size_t count, size_t size, uintptr_t address);

#endif
