/*
 * Blocks of libc's own heap. They reach us where another library is bound to libc's malloc
 * (a library that looked it up, or that was there before ours) and the program frees with ours.
 * Each function answers false when the pointer does not look like a block of libc's, whose heap
 * must be in use.
 */
#ifndef MALLOW_FOREIGN_H
#define MALLOW_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/* Finds libc's own functions, before its names are made to lead to ours (deep_binding.c). */
void foreign_prepare(void);

bool foreign_free(void *p);
bool foreign_realloc(void *p, size_t size, void **moved);
bool foreign_usable_size(const void *p, size_t *usable);

#endif
