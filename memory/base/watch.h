/*
 * Informs AddressSanitizer and valgrind about the blocks of this library. Without this, the tools
 * see only the mappings.
 */
#ifndef MALLOW_WATCH_H
#define MALLOW_WATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes to leave between watched blocks, so that an access just past a block hits no other. */
#define WATCH_GAP ((size_t)16)

/* Returns true if the program runs under one of the tools. */
bool watch_is_on(void);

/* Make all of the memory inaccessible, or accessible. */
void watch_hide(void *p, size_t bytes);
void watch_show(void *p, size_t bytes);

/* Makes `pool` an inaccessible region without blocks. Nothing else may use the WATCH_GAP bytes
 * before it. */
void watch_begin(void *pool, size_t bytes);

/* Makes the region ordinary memory without blocks. */
void watch_end(void *pool, size_t bytes);

/* Inform the tools that a block at p was allocated, or that its size changed. */
void watch_alloc(void *pool, void *p, size_t bytes);
void watch_resize(void *pool, void *p, size_t old_bytes, size_t new_bytes);

/* Informs the tools that all blocks from p to the end of the region were freed. */
void watch_free_from(void *pool, size_t bytes, void *p);

#endif
