/* Classifies functions by their names, and shortens the names of functions and files. */
#ifndef MALLOW_FUNCTION_NAMES_H
#define MALLOW_FUNCTION_NAMES_H

#include <stdbool.h>

/* Returns true if the function only helps to allocate, such as operator new, parts of the C++
 * containers, or g_malloc. */
bool function_helps_to_allocate(const char *function);

/* Returns the function's name without return type, parameters and, if it is long, the arguments of
 * templates. The caller frees it. */
char *function_short_name(const char *function);

/* Returns the last part of the path. */
const char *file_base_name(const char *path);

#endif
