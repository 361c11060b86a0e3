/* The allocator's own memory: state bytes, magazines, heaps. Never in a granule of blocks. */
#ifndef MALLOW_META_H
#define MALLOW_META_H

#include <stdbool.h>
#include <stddef.h>

/* Memory aligned to a cache line, content unspecified; NULL when there is none.
 * The global lock must be held. */
void *meta_alloc(size_t bytes);

/* Takes it back for a later meta_alloc of the same size. The global lock must be held. */
void meta_free(void *start, size_t bytes);

/* Unmaps what was mapped ahead of need; false when there is nothing. */
bool meta_give_back(void);

/* Forgets what was given back: after a fork that caught another thread inside (repair.c). */
void meta_forget_free(void);

/* Like meta_forget_free, but only if a merge was interrupted. The interrupted thread is this one or
 * stands still, so that its stores are visible in order. */
void meta_repair(void);

/* Bytes handed out by the system for it so far. */
size_t meta_bytes_used(void);

#endif
