/* The environment variables that make the loader preload Mallow into a program. */
#ifndef MALLOW_PRELOAD_H
#define MALLOW_PRELOAD_H

#include <limits.h>

/* Stores the absolute path of the running command. */
void preload_own_path(char path[static PATH_MAX]);

/* Puts the library first in LD_PRELOAD. The library is in the directory of the command, as in a
 * build, or in the library directory of the same installation; otherwise the command ends with a
 * message. */
void preload_library(const char *name);

/* Puts the library with that path first in LD_PRELOAD. */
void preload_file(const char *path);

/* Returns the absolute path of the library, which preload_library() would put there. The caller
 * frees it. */
char *preload_find_library(const char *name);

/* Puts "key=value" settings before those in MALLOW_OPTIONS, so that the latter override them. */
void preload_add_default(const char *options);

/* Appends "key=value" settings, separated by commas, to MALLOW_OPTIONS; they override those before.
 */
void preload_add_options(const char *options);

/* Returns the value of a setting in MALLOW_OPTIONS, which the caller frees, or NULL. */
char *preload_setting(const char *key);

#endif
