/* Where a program's own pointers begin: stacks, registers, variables and mappings. For the copy of
 * the process alone. */
#ifndef MALLOW_LEAK_ROOTS_H
#define MALLOW_LEAK_ROOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "leak/leak_threads.h"

struct leak_roots {
    const struct leak_threads *threads;
    int caller;              /* the thread that was copied, by its number in the process */
    uintptr_t stack_pointer; /* of it; its registers are above */
};

/* After leak_blocks_prepare. Calls back with where each word of memory is that is no block, and
 * with what is as good as a pointer to a block's start; false when it is not known what is mapped.
 */
bool leak_each_root(const struct leak_roots *roots, void (*word)(const uintptr_t *at),
                    void (*owned)(uintptr_t address));

#endif
