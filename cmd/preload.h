/* The environment that makes the loader load Mallow into a program. */
#ifndef MALLOW_PRELOAD_H
#define MALLOW_PRELOAD_H

#include <limits.h>

/* The absolute path of the running command. */
void preload_own_path(char path[static PATH_MAX]);

/* Puts the library of that name first in LD_PRELOAD. It lies beside the command, as in a build, or
 * in the library directory of the same installation. Ends the process with a message if it does
 * not. */
void preload_library(const char *name);

/* Puts "key=value" settings before what is in MALLOW_OPTIONS, so that it may say otherwise. */
void preload_add_default(const char *options);

/* Appends "key=value" settings, separated by commas, to MALLOW_OPTIONS: the last one counts. */
void preload_add_options(const char *options);

/* The value of a setting in MALLOW_OPTIONS, allocated; NULL when it is not there. */
char *preload_setting(const char *key);

#endif
