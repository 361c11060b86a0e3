/* Leaks that are known and not to be told of. */
#ifndef MALLOW_LEAK_SUPPRESS_H
#define MALLOW_LEAK_SUPPRESS_H

#include "leak/leak_groups.h"

/* Reads a file in the format of leak_pattern.h; false when that is refused or a line is wrong. */
bool leak_read_suppressions(const char *path);

/* In the copy: takes out the groups that have a file's name in their stack which is listed there,
 * and what they lead. Functions are not known here. */
void leak_suppress(struct leak_groups *groups);

#endif
