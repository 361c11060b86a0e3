/* The allocator's own memory: state bytes, magazines and heaps. No granule of blocks contains it.
 */
#ifndef MALLOW_META_H
#define MALLOW_META_H

#include <stdbool.h>
#include <stddef.h>

/* Returns memory aligned to a cache line, with unspecified content, or NULL when there is none. The
 * global lock must be held. */
void *meta_alloc(size_t bytes);

/* Takes memory back for a later meta_alloc. The global lock must be held. */
void meta_free(void *start, size_t bytes);

/* Unmaps memory that was mapped ahead of need; false when there is none. The global lock must be
 * held. */
bool meta_give_back(void);

/* Forgets all free pieces, after a fork that caught another thread in this module (repair.c). */
void meta_forget_free(void);

/* Does the same, but only if a merge was interrupted. The interrupted thread is this one or is
 * stopped, so its stores are visible in order. */
void meta_repair(void);

/* Returns the number of bytes that were cut for pieces so far. */
size_t meta_bytes_used(void);

#endif
