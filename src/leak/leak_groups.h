/* Groups lost blocks by origin: by class and stack, or by class and size if no stacks were kept. An
 * indirectly lost block counts with the block that leads to it. Used only in the copy of the
 * process. */
#ifndef MALLOW_LEAK_GROUPS_H
#define MALLOW_LEAK_GROUPS_H

#include <stdbool.h>
#include <stddef.h>

#include "leak/leak_mark.h"
#include "stack/stack.h"

#define LEAK_HEAD 16u

struct leak_group {
    enum leak_class kind;
    bool is_rest; /* sum of the groups for which there was no space; only the amounts are set */
    stack_id stack;
    char *example;                 /* one of the blocks */
    size_t size;                   /* bytes of the example */
    unsigned char head[LEAK_HEAD]; /* its first bytes */
    unsigned head_bytes;
    struct leak_amount own, led; /* the blocks, and those indirectly lost through them */
};

struct leak_groups {
    struct leak_group *list; /* sorted by class, then by bytes in descending order; rest last */
    size_t count;
    struct leak_amount totals[LEAK_CLASSES];
};

/* Groups all blocks; called after leak_mark_all. Returns false if there is no memory. */
bool leak_group_all(struct leak_groups *groups, bool reachable_too);

#endif
