/* The files of the symbol cache. No failure has a consequence. */
#ifndef MALLOW_SYMBOL_CACHE_FILES_H
#define MALLOW_SYMBOL_CACHE_FILES_H

#include <stddef.h>

/* Returns the path of a file in the cache's directory, or NULL if there is no such directory, not
 * even a place for it, or if another user could write to it. The caller frees it. */
char *symbol_cache_path(const char *name);

/* Returns the text of a file, which ends with a zero, or NULL. The caller frees it. */
char *symbol_cache_load(const char *path, size_t max, size_t *count);

/* Replaces the file, and removes old files if all of them together take too much space. */
void symbol_cache_save(const char *path, const char *text);

#endif
