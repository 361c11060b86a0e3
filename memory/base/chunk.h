/*
 * Chunks: mappings that arenas and scratch memory allocate from. The process keeps a few free
 * chunks of the usual size, so that a short-lived arena needs no system call.
 */
#ifndef MALLOW_CHUNK_H
#define MALLOW_CHUNK_H

#include <stddef.h>

#define CHUNK_BYTES ((size_t)64 << 10) /* the usual size */

enum chunk_user { CHUNK_ARENA, CHUNK_SCRATCH, CHUNK_USERS };

/* Returns a chunk of `bytes` bytes, a multiple of the page size. Its content is unspecified.
 * Returns NULL and records the failure of `function` if there is no memory. Thread-safe and
 * async-signal-safe. */
void *chunk_take(enum chunk_user user, size_t bytes, const char *function);

/* Keeps the chunk for later, or unmaps it. Keeps errno. Thread-safe and async-signal-safe. */
void chunk_give(enum chunk_user user, void *chunk, size_t bytes);

/* Returns `bytes` rounded up to whole pages, or 0 if that overflows. */
size_t chunk_round(size_t bytes);

#endif
