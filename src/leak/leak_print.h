/* The result of a leak check as text. */
#ifndef MALLOW_LEAK_PRINT_H
#define MALLOW_LEAK_PRINT_H

#include <stddef.h>

#include "base/text.h"
#include "leak/leak_groups.h"

/* Prints a line and the stack for each group, then a line with the total of each class. The text is
 * flushed after each group. For each class except LEAK_DEFINITE, at most `limit` groups are
 * printed, those with the most bytes, followed by a line with the number of the others. */
void leak_print(struct text *text, const struct leak_groups *groups, size_t limit);

#endif
