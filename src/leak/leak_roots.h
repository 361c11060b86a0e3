/* The roots of a program's pointers: stacks, registers, variables and mappings. Used only in the
 * copy of the process. */
#ifndef MALLOW_LEAK_ROOTS_H
#define MALLOW_LEAK_ROOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "leak/leak_threads.h"

struct leak_roots {
    const struct leak_threads *threads;
    int caller;              /* ID, in the original process, of the thread that was copied */
    uintptr_t stack_pointer; /* of that thread; its registers are saved above */
};

/* Calls `word` with the address of each word of memory outside of blocks, and `owned` with each
 * address that counts as a pointer to a block's start. Needs leak_blocks_prepare. Returns false if
 * the mappings are unknown. */
bool leak_each_root(const struct leak_roots *roots, void (*word)(const uintptr_t *at),
                    void (*owned)(uintptr_t address));

#endif
