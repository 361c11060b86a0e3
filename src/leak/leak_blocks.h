/* All live blocks of a copied process, with a mark for each. For the copy alone. */
#ifndef MALLOW_LEAK_BLOCKS_H
#define MALLOW_LEAK_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leak_block {
    char *start;
    size_t size; /* bytes that can be read */
    uint8_t *mark;
};

/* Memory for the marks, which are 0; false when there is none. */
bool leak_blocks_prepare(void);

/* Whether a block may be there. */
bool leak_is_in_heap(uintptr_t address);

/* Of such an address, what leak_block_around is going to read is on its way from memory: first what
 * the place is, and once that is there, what is in it. */
void leak_fetch_place(uintptr_t address);
void leak_fetch_block(uintptr_t address);

/* The live block that an address lies in. */
bool leak_block_around(uintptr_t address, struct leak_block *block);

void leak_each_block(void (*call)(const struct leak_block *block));

/* Calls back with each stretch of address space in which blocks are, or may be. */
void leak_each_heap_range(void (*call)(uintptr_t start, uintptr_t end));

#endif
