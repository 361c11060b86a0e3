/* What a leak check found, as text. */
#ifndef MALLOW_LEAK_PRINT_H
#define MALLOW_LEAK_PRINT_H

#include <stddef.h>

#include "base/text.h"
#include "leak/leak_groups.h"

/* Prints a line and the stack of each group, then a line for the total of each class; the sink gets
 * each group by itself. Of each class but the definitely lost blocks at most `limit` groups are
 * printed, those with the most bytes, and a line that says how many are left out. */
void leak_print(struct text *text, const struct leak_groups *groups, size_t limit);

#endif
