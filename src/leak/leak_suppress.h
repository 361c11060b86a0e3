/* Suppression of known leaks. */
#ifndef MALLOW_LEAK_SUPPRESS_H
#define MALLOW_LEAK_SUPPRESS_H

#include "leak/leak_groups.h"

/* Reads a file of suppressions in the format of leak_pattern.h. Returns NULL, or a message if the
 * file is invalid, which leaves the suppressions unchanged. */
const char *leak_read_suppressions(const char *path);

/* In the copy: removes the groups whose stack contains a file with a suppressed name, together with
 * the blocks that are indirectly lost through them. Function names are not known in the copy. */
void leak_suppress(struct leak_groups *groups);

#endif
