/* Allocations that end the command with a message when there is no memory. */
#ifndef MALLOW_XALLOC_H
#define MALLOW_XALLOC_H

#include <stddef.h>
#include <stdio.h>

/* Returns the block that an allocation has returned, unless it is NULL. */
void *xnonnull(void *block);

void *xcalloc(size_t count, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t length);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns an array of `count` elements with room for one more. It is reallocated only when `count`
 * is 0 or a power of two, so an array must grow only by this function, one element at a time. */
void *xgrow(void *array, size_t count, size_t size);

/* Open and close a stream that writes to memory: open_memstream(3). */
FILE *xopen_memstream(char **text, size_t *length);
void xclose_memstream(FILE *stream);

#endif
