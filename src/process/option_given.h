/* Remembers the values of the options that were set, for profiles. */
#ifndef MALLOW_OPTION_GIVEN_H
#define MALLOW_OPTION_GIVEN_H

#include <stddef.h>

#include "process/option_table.h"

/* At least the number of options. */
#define OPTION_GIVEN_MAX 48u

/* Remember the last value of an option, whose text is cut if it is long. */
void option_given_number(const struct option *option, size_t number);
void option_given_path(const struct option *option, const char *path);

/* Calls `call` for each option that was set, in the order of the table, with its value as text. The
 * keys of libc's options begin with "glibc.malloc.". */
void option_given_each(void (*call)(void *to, const char *key, const char *value), void *to);

#endif
