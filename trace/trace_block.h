/*
 * The blocks of a trace file, which mallow-trace(5) describes: a head, numbers that say what the
 * block has, and a zstd frame. A reader can find its way by the heads and the numbers alone.
 */
#ifndef MALLOW_TRACE_BLOCK_H
#define MALLOW_TRACE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace_bytes.h"

#define TRACE_MAGIC_TEXT "MTRC"
#define TRACE_MAGIC 0x4352544du /* the text as a number */
#define TRACE_VERSION 1u
#define TRACE_HEAD_BYTES 16u
#define TRACE_PREFIX_BYTES 64u                /* head and numbers, at most */
#define TRACE_CONTENT_MAX ((uint64_t)1 << 32) /* bytes in a zstd frame */

enum trace_block_type {
    TRACE_BLOCK_FACTS = 1,
    TRACE_BLOCK_TABLES, /* processes, threads, modules and frames of stacks */
    TRACE_BLOCK_EVENTS,
    TRACE_BLOCK_CHECKPOINT, /* the live blocks before the next event */
    TRACE_BLOCK_INDEX,
    TRACE_BLOCK_END, /* where the index begins; the last block of a complete file */
};

/* Numbers in it have their lowest byte first. */
struct trace_block_head {
    uint32_t checksum; /* CRC-32 of length, type and what follows */
    uint32_t length;   /* bytes that follow the head */
    uint32_t type;
};

/* The numbers of a block. Those that its type does not have are 0. */
struct trace_block_numbers {
    uint64_t content; /* bytes in the zstd frame */
    uint64_t first;   /* EVENTS, CHECKPOINT: the number of the first event or of the next one */
    uint64_t count;   /* EVENTS, CHECKPOINT: events or blocks in it */
    uint64_t start;   /* EVENTS: time before the first event, in units of the resolution */
    uint64_t end;     /* EVENTS: time of the last event */
    uint64_t group;   /* EVENTS: 1: it begins a group */
};

/* Stores a head at the beginning of a block, whose other bytes are complete. */
void trace_block_seal(uint8_t *block, size_t length, enum trace_block_type type);

/* Reads a head. Returns false if the bytes are none. */
bool trace_block_read_head(const uint8_t *bytes, struct trace_block_head *head);

/* Returns true if the checksum of the block's bytes is right. */
bool trace_block_is_intact(const uint8_t *block);

void trace_block_put_numbers(struct trace_bytes *to, enum trace_block_type type,
                             const struct trace_block_numbers *numbers);

/* Reads the numbers, and leaves the cursor at the zstd frame. Returns false if they are invalid. */
bool trace_block_read_numbers(struct trace_cursor *from, uint32_t type,
                              struct trace_block_numbers *numbers);

#endif
