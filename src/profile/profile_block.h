/*
 * Writes the blocks of a profile (mallow_profile.h) through one buffer, which exists before it is
 * needed: a profile can be written when there is no memory. Only one thread at a time may use it.
 */
#ifndef MALLOW_PROFILE_BLOCK_H
#define MALLOW_PROFILE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow_profile.h"

/* No record may be larger. */
#define PROFILE_BLOCK_RECORD_MAX ((size_t)16 * 1024)

/* Makes the pages of the buffer resident. */
void profile_block_prepare(void);

/* The blocks that follow go to this descriptor. */
void profile_block_start(int fd);

/* Returns room for at least one record of `bytes` bytes, in the block that is being written if it
 * has this type, and stores the number of such records that fit. */
void *profile_block_room(enum mallow_profile_type type, size_t bytes, size_t *records);

/* Adds the bytes that were stored in the room. Each record's length is a multiple of eight. */
void profile_block_add(size_t bytes);

/* Writes an empty block. */
void profile_block_mark(enum mallow_profile_type type);

/* Writes the rest. Returns false if any write since profile_block_start failed. */
bool profile_block_finish(void);

/* Continues a CRC-32; the first value is 0. */
uint32_t profile_block_checksum(uint32_t checksum, const void *bytes, size_t count);

#endif
