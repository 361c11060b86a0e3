/* Writes the blocks of a trace file, and its index. */
#ifndef MALLOW_TRACE_OUTPUT_H
#define MALLOW_TRACE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zstd.h>

#include "trace_block.h"
#include "trace_bytes.h"

struct trace_output {
    int fd;
    uint64_t bytes; /* that are written */
    ZSTD_CCtx *compressor;
    struct trace_bytes block, index; /* the index: type, length of the whole block, its numbers */
    char *error;                     /* the first failure, or NULL */
};

bool trace_output_open(struct trace_output *output, int fd);

/* Writes the index, and closes the file. The error stays. */
void trace_output_close(struct trace_output *output);

/* Writes a block with the parts as its zstd frame. Each part is compressed with statistics of its
 * own. Fills in numbers->content. Returns false after a failure. */
bool trace_output_write(struct trace_output *output, enum trace_block_type type,
                        struct trace_block_numbers *numbers, const struct trace_bytes *parts,
                        size_t count);

/* Writes a block that is not compressed. */
bool trace_output_write_plain(struct trace_output *output, enum trace_block_type type,
                              const struct trace_bytes *content);

/* Records a failure, with errno if that is not 0. Returns false. */
bool trace_output_fail(struct trace_output *output, int error, const char *what);

#endif
