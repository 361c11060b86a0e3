#include "trace_output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_LEVEL 3 /* of compression */

bool trace_output_fail(struct trace_output *output, int error, const char *what) {
    if (output->error != NULL) return false;
    if (asprintf(&output->error, "%s%s%s", what, error == 0 ? "" : ": ",
                 error == 0 ? "" : strerror(error)) < 0)
        output->error = strdup("out of memory");
    return false;
}

bool trace_output_open(struct trace_output *output, int fd) {
    *output = (struct trace_output){.fd = fd, .compressor = ZSTD_createCCtx()};
    if (output->compressor == NULL) return false;
    ZSTD_CCtx_setParameter(output->compressor, ZSTD_c_compressionLevel, OUTPUT_LEVEL);
    return true;
}

/* Writes the block. A signal can interrupt a write, and a full disk can end one early. */
static bool output_write_bytes(struct trace_output *output) {
    const struct trace_bytes *block = &output->block;
    for (size_t done = 0; done < block->count;) {
        ssize_t written = write(output->fd, block->data + done, block->count - done);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return trace_output_fail(output, errno, "the trace cannot be written");
        done += (size_t)written;
    }
    output->bytes += block->count;
    return true;
}

/* Completes the block, writes it and adds it to the index. */
static bool output_finish(struct trace_output *output, enum trace_block_type type,
                          const struct trace_block_numbers *numbers) {
    struct trace_bytes *block = &output->block;
    if (block->count - TRACE_HEAD_BYTES > UINT32_MAX)
        return trace_output_fail(output, 0, "a block of the trace is too large");
    trace_block_seal(block->data, block->count - TRACE_HEAD_BYTES, type);
    if (!output_write_bytes(output)) return false;
    if (!trace_bytes_reserve(&output->index, (size_t)8 * TRACE_NUMBER_MAX))
        return trace_output_fail(output, 0, "out of memory");
    trace_bytes_put(&output->index, type);
    trace_bytes_put(&output->index, block->count);
    trace_block_put_numbers(&output->index, type, numbers);
    return true;
}

static bool output_begin(struct trace_output *output, size_t content) {
    if (output->error != NULL) return false;
    output->block.count = 0;
    if (!trace_bytes_reserve(&output->block, TRACE_PREFIX_BYTES + content))
        return trace_output_fail(output, 0, "out of memory");
    memset(output->block.data, 0, TRACE_HEAD_BYTES);
    output->block.count = TRACE_HEAD_BYTES;
    return true;
}

/* Compresses a part to the end of the block. A flush ends the part's zstd block. */
static bool output_compress(struct trace_output *output, const struct trace_bytes *part,
                            bool is_last) {
    ZSTD_inBuffer in = {part->data, part->count, 0};
    ZSTD_outBuffer out = {output->block.data, output->block.room, output->block.count};
    size_t left =
        ZSTD_compressStream2(output->compressor, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_flush);
    output->block.count = out.pos;
    if (left == 0 && in.pos == in.size) return true;
    return trace_output_fail(output, 0, "the trace cannot be compressed");
}

bool trace_output_write(struct trace_output *output, enum trace_block_type type,
                        struct trace_block_numbers *numbers, const struct trace_bytes *parts,
                        size_t count) {
    size_t room = 0;
    numbers->content = 0;
    for (size_t i = 0; i < count; i++) {
        numbers->content += parts[i].count;
        room += ZSTD_compressBound(parts[i].count) + 64; /* a flush adds at most a few bytes */
    }
    if (!output_begin(output, room)) return false;
    trace_block_put_numbers(&output->block, type, numbers);
    ZSTD_CCtx_reset(output->compressor, ZSTD_reset_session_only);
    for (size_t i = 0; i < count; i++)
        if (!output_compress(output, &parts[i], i + 1 == count)) return false;
    return output_finish(output, type, numbers);
}

bool trace_output_write_plain(struct trace_output *output, enum trace_block_type type,
                              const struct trace_bytes *content) {
    if (!output_begin(output, content->count)) return false;
    memcpy(output->block.data + output->block.count, content->data, content->count);
    output->block.count += content->count;
    return output_finish(output, type, &(struct trace_block_numbers){.content = content->count});
}

/* Writes the index, and where it is. */
static bool output_write_index(struct trace_output *output) {
    uint8_t place[8];
    struct trace_bytes end = {.data = place, .count = sizeof place};
    for (unsigned i = 0; i < sizeof place; i++) place[i] = (uint8_t)(output->bytes >> 8 * i);
    struct trace_bytes index = output->index;
    output->index = (struct trace_bytes){.data = NULL};
    bool done = trace_output_write(output, TRACE_BLOCK_INDEX, &(struct trace_block_numbers){0},
                                   &index, 1) &&
                trace_output_write_plain(output, TRACE_BLOCK_END, &end);
    trace_bytes_free(&index);
    return done;
}

void trace_output_close(struct trace_output *output) {
    if (output->fd >= 0) {
        if (output->error == NULL) output_write_index(output);
        if (close(output->fd) != 0) trace_output_fail(output, errno, "the trace cannot be written");
    }
    ZSTD_freeCCtx(output->compressor);
    trace_bytes_free(&output->block);
    trace_bytes_free(&output->index);
}
