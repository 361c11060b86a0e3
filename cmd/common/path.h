/* Comparisons of paths. */
#ifndef MALLOW_PATH_H
#define MALLOW_PATH_H

#include <stdbool.h>

/* Returns true if both paths lead to the same file. */
bool path_is_same_file(const char *path, const char *other);

/* Returns true if `link` is a symbolic link whose target is the text `target`. */
bool path_is_link_to(const char *link, const char *target);

#endif
