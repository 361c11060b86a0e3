/* All live blocks of a copied process, with a mark for each. Used only in the copy. */
#ifndef MALLOW_LEAK_BLOCKS_H
#define MALLOW_LEAK_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leak_block {
    char *start;
    size_t size; /* in bytes, all of which can be read */
    uint8_t *mark;
};

/* Allocates the marks, which are 0. Returns false if there is no memory. */
bool leak_blocks_prepare(void);

/* Returns true if the address may be in a block. */
bool leak_is_in_heap(uintptr_t address);

/* Prefetch the data that leak_block_around will read for such an address: first the description of
 * the place, and after that has arrived, the state and mark of the block. */
void leak_fetch_place(uintptr_t address);
void leak_fetch_block(uintptr_t address);

/* Finds the live block that contains the address. Returns false if there is none. */
bool leak_block_around(uintptr_t address, struct leak_block *block);

void leak_each_block(void (*call)(const struct leak_block *block));

/* Calls `call` with each range of addresses in which blocks or the allocator's data may be. */
void leak_each_heap_range(void (*call)(uintptr_t start, uintptr_t end));

#endif
