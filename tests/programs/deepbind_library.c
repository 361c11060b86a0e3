/* The library that deepbind.c loads with RTLD_DEEPBIND. */
#include "deepbind_library.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *library_allocate(size_t size) { return malloc(size); }

char *library_duplicate(const char *text) { return strdup(text); }

void *library_resize(void *block, size_t size) { return realloc(block, size); }

size_t library_usable_size(void *block) { return malloc_usable_size(block); }

void library_free(void *block) { free(block); }
