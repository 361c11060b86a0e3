/* The functions of the library that deepbind.c loads. */
#ifndef DEEPBIND_LIBRARY_H
#define DEEPBIND_LIBRARY_H

#include <stddef.h>

void *library_allocate(size_t size);
char *library_duplicate(const char *text);
void *library_resize(void *block, size_t size);
size_t library_usable_size(void *block);
void library_free(void *block);

#endif
