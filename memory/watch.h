/*
 * Informs AddressSanitizer and valgrind about the blocks of this library. By themselves they see
 * only mappings.
 */
#ifndef MALLOW_WATCH_H
#define MALLOW_WATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes to leave between watched blocks, so that an access past a block meets no other. */
#define WATCH_GAP ((size_t)16)

/* Returns true if one of the tools runs the program. */
bool watch_is_on(void);

/* No part of the memory is accessible, or all of it. */
void watch_hide(void *p, size_t bytes);
void watch_show(void *p, size_t bytes);

/* From now on `pool` is a region of blocks, of which there are none yet. The WATCH_GAP bytes before
 * it are not used by anything else. */
void watch_begin(void *pool, size_t bytes);

/* The region has no blocks any more, and is ordinary memory again. */
void watch_end(void *pool, size_t bytes);

/* A block at p was allocated, or has another size now. */
void watch_alloc(void *pool, void *p, size_t bytes);
void watch_resize(void *pool, void *p, size_t old_bytes, size_t new_bytes);

/* The blocks from p to the end of the region were freed. */
void watch_free_from(void *pool, size_t bytes, void *p);

#endif
