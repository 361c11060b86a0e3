/* realloc and malloc_usable_size for blocks of every mode. */
#ifndef MALLOW_RESIZE_H
#define MALLOW_RESIZE_H

#include <stdbool.h>
#include <stddef.h>

/* The operation `resize` (heap/mode.h) of all modes except the plain one. check=hard tries a
 * function of its own first. */
void *resize_checked(void *p, size_t size, const void *caller);

/* Sets *usable to the size of the live block that begins at p. Returns false if there is none. */
bool resize_usable_size(const void *p, size_t *usable);

#endif
