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

/* No record may take more bytes in the file. */
#define PROFILE_BLOCK_RECORD_MAX ((size_t)16 * 1024)

/* Makes the pages of the buffer resident. */
void profile_block_prepare(void);

/* The blocks that follow go to this descriptor. */
void profile_block_start(int fd);

/* Begins a record of at most `max` bytes. Returns true if it is the first record of its block: it
 * continues the block that is being written if that one has this type and room. */
bool profile_block_record(enum mallow_profile_type type, size_t max);

/* Add to the record in the forms of mallow_profile.h. A number takes at most PROFILE_NUMBER_MAX
 * bytes. */
#define PROFILE_NUMBER_MAX ((size_t)10)
#define PROFILE_ESTIMATE_BYTES ((size_t)4)
void profile_block_add_number(uint64_t number);
void profile_block_add_difference(uint64_t value, uint64_t before);
void profile_block_add_estimate(double value);
void profile_block_add_bytes(const void *bytes, size_t count);

/* Returns the number that a difference is written as. */
static inline uint64_t profile_difference(uint64_t value, uint64_t before) {
    uint64_t difference = value - before;
    return difference << 1 ^ (0 - (difference >> 63));
}

/* Writes an empty block. */
void profile_block_mark(enum mallow_profile_type type);

/* Writes the rest. Returns false if any write since profile_block_start failed. */
bool profile_block_finish(void);

/* Continues a CRC-32; the first value is 0. */
uint32_t profile_block_checksum(uint32_t checksum, const void *bytes, size_t count);

#endif
