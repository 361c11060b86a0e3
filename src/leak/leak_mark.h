/*
 * Which live blocks are lost. For the copy of the process alone.
 *
 * A block is still reachable when a chain of pointers, each to the start of a block or to what is
 * as good (leak_inside.h), leads to it from a root; possibly lost when each chain has a pointer
 * into the inside of a block; else it is lost: indirectly when another lost block points to it,
 * which leads it, else definitely. Of blocks that point to each other in a ring one leads.
 */
#ifndef MALLOW_LEAK_MARK_H
#define MALLOW_LEAK_MARK_H

#include <stddef.h>

#include "leak/leak_blocks.h"
#include "leak/leak_roots.h"

enum leak_class {
    LEAK_DEFINITE,
    LEAK_INDIRECT,
    LEAK_POSSIBLE,
    LEAK_REACHABLE,
    LEAK_CLASSES,
};

/* Finds out; NULL, or why that cannot be done. */
const char *leak_mark_all(const struct leak_roots *from);

enum leak_class leak_class_of(const struct leak_block *block);

struct leak_amount {
    size_t blocks, bytes;
};

/* What a definitely lost block leads. What two lead counts with the first that is asked for. */
struct leak_amount leak_led_by(const struct leak_block *block);

#endif
