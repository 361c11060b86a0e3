/*
 * Classifies live blocks as lost or reachable. Used only in the copy of the process.
 *
 * A block is still reachable if a chain of pointers leads to it from a root, and each pointer is to
 * the start of a block or to an equivalent place (leak_inside.h). It is possibly lost if every such
 * chain contains a pointer into the inside of a block. Otherwise it is lost: indirectly if another
 * lost block, its leader, points to it, and definitely if not. If lost blocks point to each other
 * in a ring, one of them is the leader.
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

/* Classifies all blocks. Returns NULL, or the reason why that is impossible. */
const char *leak_mark_all(const struct leak_roots *from);

enum leak_class leak_class_of(const struct leak_block *block);

struct leak_amount {
    size_t blocks, bytes;
};

/* Returns the amount that is indirectly lost through a definitely lost block. A block that two
 * blocks lead to counts only for the first of them that is passed. */
struct leak_amount leak_led_by(const struct leak_block *block);

#endif
