/* realloc and malloc_usable_size for blocks of every mode. */
#ifndef MALLOW_RESIZE_H
#define MALLOW_RESIZE_H

#include <stdbool.h>
#include <stddef.h>

/* As struct mode has it (heap/mode.h). */
void *resize_checked(void *p, size_t size, const void *caller);

/* The size of the live block that begins at p; false if there is none. */
bool resize_usable_size(const void *p, size_t *usable);

#endif
