/*
 * Blocks with a mapping of their own: large ones, from M_MMAP_THRESHOLD on. They lie outside the
 * heap's address range, so they are found in a table. No function here waits for a lock: a signal
 * handler may allocate, free or jump away at any instruction, and the child of a fork finds every
 * block except those that other threads were making or freeing.
 */
#ifndef MALLOW_MAPPING_H
#define MALLOW_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

#include "pages/mapping_counts.h"
#include "pages/mapping_table.h"

/* Returns a zeroed block, aligned to `align` (a power of two), or NULL when that is refused. */
void *mapping_alloc(size_t bytes, size_t align);

/* Like mapping_alloc, but ignores M_MMAP_MAX: for requests that nothing else can serve. */
void *mapping_alloc_always(size_t bytes, size_t align);

/* Returns the size of the block in bytes, or 0 if no block begins there. */
size_t mapping_usable(const void *block);

/* Frees the block; false when no block begins there. */
bool mapping_free(void *block);

/* Takes the block out of the table, like mapping_free, but leaves its mapping to the caller. */
bool mapping_take_out(void *block, struct mapping *gone);

/* Unmaps a block that mapping_take_out has taken out. */
void mapping_unmap(const struct mapping *gone);

/* Resizes the block, and moves its pages if necessary. Returns NULL when that is refused; the block
 * is then unchanged. */
void *mapping_resize(void *block, size_t bytes);

/* Moves the pages [from, from+bytes) into a new block of `size` bytes and leaves zeroed pages in
 * their place. Returns NULL when that is refused; the content is then where it was. */
void *mapping_move_in(void *from, size_t bytes, size_t size);

/* True if `bytes` bytes can be mapped now. For callers to which a later refusal would cost more. */
bool mapping_is_possible(size_t bytes);

struct mapping_counts mapping_count(void);
size_t mapping_bytes(void); /* of all live blocks */

#endif
