/* Groups lost blocks by where they come from: by class and stack, or by class and size where no
 * stacks were kept. A block that is lost indirectly counts with the block that leads to it. Used
 * only in the copy of the process. */
#ifndef MALLOW_LEAK_GROUPS_H
#define MALLOW_LEAK_GROUPS_H

#include <stdbool.h>
#include <stddef.h>

#include "leak/leak_mark.h"
#include "stack/stack.h"

#define LEAK_HEAD 16u

struct leak_group {
    enum leak_class class;
    bool is_rest; /* all groups for which there was no room; nothing below but the amounts */
    stack_id stack;
    char *example; /* one of the blocks */
    size_t size;   /* of it */
    unsigned char head[LEAK_HEAD];
    unsigned head_bytes;
    struct leak_amount own, led; /* the blocks, and what they lead */
};

struct leak_groups {
    struct leak_group *list; /* by class, the most bytes first, the rest last */
    size_t count;
    struct leak_amount totals[LEAK_CLASSES];
};

/* After leak_mark_all. False when there is no memory. */
bool leak_group_all(struct leak_groups *groups, bool reachable_too);

#endif
