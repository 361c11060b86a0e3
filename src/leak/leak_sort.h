/* Sorting in place, for the leak check: libc's may allocate. And finding, in what is sorted. */
#ifndef MALLOW_LEAK_SORT_H
#define MALLOW_LEAK_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAK_SORT_MAX 128u /* bytes of an element */

/* `before`: whether a stands before b. */
void leak_sort(void *list, size_t count, size_t size, bool (*before)(const void *a, const void *b));

/* Ranges of addresses: each element begins with a uintptr_t that is its start, and another that is
 * its end. In order, and apart from each other: */
bool leak_is_range_before(const void *a, const void *b);

/* the first one that ends behind the address, or `count`. */
size_t leak_find_range(const void *list, size_t count, size_t size, uintptr_t address);

#endif
