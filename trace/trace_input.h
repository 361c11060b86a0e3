/* Reads the blocks of a trace file, and lists them. */
#ifndef MALLOW_TRACE_INPUT_H
#define MALLOW_TRACE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zstd.h>

#include "trace_block.h"
#include "trace_bytes.h"

#define TRACE_MESSAGE_BYTES 512u /* longer messages are cut */

/* A block of the file. */
struct trace_entry {
    uint64_t offset;
    size_t length; /* with its head */
    uint32_t type;
    struct trace_block_numbers numbers;
};

struct trace_input {
    int fd;
    char *path;
    uint64_t bytes; /* in the file */
    struct trace_entry *entries;
    size_t count, room;
    ZSTD_DCtx *decompressor;
    struct trace_bytes block, content;
    const char *error;  /* the first failure, or NULL */
    const char *damage; /* the first damage, or NULL */
    char error_text[TRACE_MESSAGE_BYTES], damage_text[TRACE_MESSAGE_BYTES];
};

/* Opens the file and lists its blocks. Returns false after a failure. */
bool trace_input_open(struct trace_input *input, const char *path);
void trace_input_close(struct trace_input *input);

/* Reads the block, and stores what comes after its numbers, decompressed if `is_compressed`. The
 * cursor is valid until the next call. Returns false if the block is damaged, which is recorded, or
 * after a failure. */
bool trace_input_read(struct trace_input *input, const struct trace_entry *entry,
                      bool is_compressed, struct trace_cursor *content);

/* Splits the content of a block into columns. Returns false if it contradicts the format. */
bool trace_input_split(struct trace_cursor *content, struct trace_cursor *columns, size_t count);

/* Record a failure, or damage at the byte of the file. Return false. */
bool trace_input_fail(struct trace_input *input, int error, const char *what);
bool trace_input_damage(struct trace_input *input, uint64_t offset, const char *what);

/* ---- parts of trace_input_open() ---- */

/* Reads bytes of the file. Returns false if they are not all there, or after a failure. */
bool trace_input_read_at(struct trace_input *input, void *to, uint64_t offset, size_t bytes);

/* Reads a whole block, and returns true if its checksum is right. */
bool trace_input_load(struct trace_input *input, const struct trace_entry *entry);

bool trace_input_add_entry(struct trace_input *input, const struct trace_entry *entry);

/* Lists the blocks without an index: follows the heads, and after a damaged one searches for the
 * next block. Returns false after a failure. */
bool trace_input_scan(struct trace_input *input);

#endif
