/* Leaks that are known and not to be told of. */
#ifndef MALLOW_LEAK_SUPPRESS_H
#define MALLOW_LEAK_SUPPRESS_H

#include "leak/leak_groups.h"

/* Reads a file in the format of leak_pattern.h, which then counts. NULL, or what is wrong with it:
 * then nothing has changed. */
const char *leak_read_suppressions(const char *path);

/* In the copy: takes out the groups that have a file's name in their stack which is listed there,
 * and what they lead. Functions are not known here. */
void leak_suppress(struct leak_groups *groups);

#endif
