/*
 * Blocks of libc's own heap. The program may free one with our functions if another library got it
 * from libc's malloc: a library that looked up libc's function, or that was loaded before ours.
 * Each function returns false if the pointer does not look like a block of libc, or if libc's heap
 * is not in use.
 */
#ifndef MALLOW_FOREIGN_H
#define MALLOW_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/* Finds libc's own functions, before deep_binding.c redirects its names to ours. */
void foreign_prepare(void);

bool foreign_free(void *p);
bool foreign_realloc(void *p, size_t size, void **moved);
bool foreign_usable_size(const void *p, size_t *usable);

#endif
