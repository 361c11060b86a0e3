/* Sorting in place, for the leak check: libc's may allocate. */
#ifndef MALLOW_LEAK_SORT_H
#define MALLOW_LEAK_SORT_H

#include "config.h"

#define LEAK_SORT_MAX 128u /* bytes of an element */

/* `before`: whether a stands before b. */
void leak_sort(void *list, size_t count, size_t size, bool (*before)(const void *a, const void *b));

#endif
