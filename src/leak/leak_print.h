/* What a leak check found, as text. */
#ifndef MALLOW_LEAK_PRINT_H
#define MALLOW_LEAK_PRINT_H

#include "leak/leak_groups.h"
#include "report/text.h"

/* A line for each group with the lines of its stack behind it, then one for the total of each
 * class; each group is handed to the sink by itself. Of those that are not definitely lost `limit`
 * at most, the ones with the most bytes. */
void leak_print(struct text *text, const struct leak_groups *groups, size_t limit);

#endif
