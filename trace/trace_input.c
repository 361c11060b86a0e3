#include "trace_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool trace_input_fail(struct trace_input *input, int error, const char *what) {
    if (input->error != NULL) return false;
    snprintf(input->error_text, sizeof input->error_text, "%s: %s%s%s", input->path, what,
             error == 0 ? "" : ": ", error == 0 ? "" : strerror(error));
    input->error = input->error_text;
    return false;
}

bool trace_input_damage(struct trace_input *input, uint64_t offset, const char *what) {
    if (input->damage != NULL) return false;
    snprintf(input->damage_text, sizeof input->damage_text, "%s: byte %llu: %s", input->path,
             (unsigned long long)offset, what);
    input->damage = input->damage_text;
    return false;
}

bool trace_input_read_at(struct trace_input *input, void *to, uint64_t offset, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        ssize_t count =
            pread(input->fd, (uint8_t *)to + done, bytes - done, (off_t)(offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return trace_input_fail(input, errno, "cannot be read");
        if (count == 0) return false;
        done += (size_t)count;
    }
    return true;
}

bool trace_input_add_entry(struct trace_input *input, const struct trace_entry *entry) {
    if (input->count == input->room) {
        size_t room = input->room * 2 + 64;
        struct trace_entry *entries = realloc(input->entries, room * sizeof *entries);
        if (entries == NULL) return trace_input_fail(input, 0, "out of memory");
        input->entries = entries;
        input->room = room;
    }
    input->entries[input->count++] = *entry;
    return true;
}

/* ---- blocks ---- */

bool trace_input_load(struct trace_input *input, const struct trace_entry *entry) {
    struct trace_block_head head;
    if (entry->length > input->bytes) return false;
    input->block.count = 0;
    if (!trace_bytes_reserve(&input->block, entry->length))
        return trace_input_fail(input, 0, "out of memory");
    return trace_input_read_at(input, input->block.data, entry->offset, entry->length) &&
           trace_block_read_head(input->block.data, &head) &&
           head.length == entry->length - TRACE_HEAD_BYTES && head.type == entry->type &&
           trace_block_is_intact(input->block.data);
}

/* Decompresses the rest of the block. Content of zeros takes few bytes, so the memory that a block
 * can ask for is limited only by the format. */
static bool input_decompress(struct trace_input *input, uint64_t content,
                             struct trace_cursor *cursor) {
    input->content.count = 0;
    if (!trace_bytes_reserve(&input->content, content + 1))
        return trace_input_fail(input, 0, "out of memory");
    size_t size = ZSTD_decompressDCtx(input->decompressor, input->content.data, content, cursor->at,
                                      (size_t)(cursor->end - cursor->at));
    if (ZSTD_isError(size) || size != content) return false;
    *cursor = (struct trace_cursor){.at = input->content.data, .end = input->content.data + size};
    return true;
}

bool trace_input_read(struct trace_input *input, const struct trace_entry *entry,
                      bool is_compressed, struct trace_cursor *content) {
    struct trace_block_numbers numbers;
    if (input->error != NULL) return false;
    bool is_intact = trace_input_load(input, entry);
    *content = (struct trace_cursor){.at = input->block.data + TRACE_HEAD_BYTES,
                                     .end = input->block.data + entry->length};
    if (is_intact && is_compressed)
        is_intact = trace_block_read_numbers(content, entry->type, &numbers) &&
                    input_decompress(input, numbers.content, content);
    if (is_intact) return true;
    if (input->error != NULL) return false;
    return trace_input_damage(input, entry->offset, "a damaged block was skipped");
}

bool trace_input_split(struct trace_cursor *content, struct trace_cursor *columns, size_t count) {
    uint64_t sizes[64];
    for (size_t i = 0; i < count; i++) sizes[i] = trace_cursor_number(content);
    for (size_t i = 0; i < count; i++) {
        if (sizes[i] > (size_t)(content->end - content->at)) return false;
        columns[i] = (struct trace_cursor){.at = content->at, .end = content->at + sizes[i]};
        content->at += sizes[i];
    }
    return !content->failed && content->at == content->end;
}

/* ---- the index ---- */

static bool input_read_entries(struct trace_input *input, struct trace_cursor *from, uint64_t end) {
    uint64_t offset = 0;
    while (from->at < from->end) {
        struct trace_entry entry = {.offset = offset};
        entry.type = (uint32_t)trace_cursor_number(from);
        entry.length = trace_cursor_number(from);
        if (!trace_block_read_numbers(from, entry.type, &entry.numbers) ||
            entry.length < TRACE_HEAD_BYTES || entry.length > end - offset ||
            !trace_input_add_entry(input, &entry))
            return false;
        offset += entry.length;
    }
    return offset == end;
}

/* Lists the blocks of a complete file. Returns false if the file is not complete. */
static bool input_read_index(struct trace_input *input) {
    struct trace_entry entry = {.length = TRACE_HEAD_BYTES + 8, .type = TRACE_BLOCK_END};
    struct trace_cursor content;
    uint64_t place = 0;
    if (input->bytes < entry.length) return false;
    entry.offset = input->bytes - entry.length;
    if (!trace_input_load(input, &entry)) return false;
    for (unsigned i = 0; i < 8; i++)
        place |= (uint64_t)input->block.data[TRACE_HEAD_BYTES + i] << 8 * i;
    if (place >= entry.offset || entry.offset - place < TRACE_HEAD_BYTES) return false;
    struct trace_entry index = {
        .offset = place, .length = (size_t)(entry.offset - place), .type = TRACE_BLOCK_INDEX};
    struct trace_block_numbers numbers;
    if (!trace_input_load(input, &index)) return false;
    content = (struct trace_cursor){.at = input->block.data + TRACE_HEAD_BYTES,
                                    .end = input->block.data + index.length};
    if (trace_block_read_numbers(&content, TRACE_BLOCK_INDEX, &numbers) &&
        input_decompress(input, numbers.content, &content) &&
        input_read_entries(input, &content, place))
        return true;
    input->count = 0;
    return false;
}

/* ---- opening ---- */

static bool input_open_file(struct trace_input *input) {
    struct stat status;
    input->fd = open(input->path, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0 || fstat(input->fd, &status) != 0)
        return trace_input_fail(input, errno, "cannot be opened");
    if (!S_ISREG(status.st_mode))
        return trace_input_fail(input, 0, "is not a regular file; save the trace in a file first");
    input->bytes = (uint64_t)status.st_size;
    uint8_t magic[4];
    size_t bytes = input->bytes < sizeof magic ? (size_t)input->bytes : sizeof magic;
    if (!trace_input_read_at(input, magic, 0, bytes) && input->error != NULL) return false;
    if (bytes == 0) return trace_input_fail(input, 0, "is empty, and so not a trace");
    if (memcmp(magic, TRACE_MAGIC_TEXT, bytes) != 0)
        return trace_input_fail(input, 0,
                                "byte 0: is not a trace; `mallow run --trace` writes one, and "
                                "`mallow import` makes one from the file of another tool");
    return true;
}

bool trace_input_open(struct trace_input *input, const char *path) {
    *input =
        (struct trace_input){.fd = -1, .path = strdup(path), .decompressor = ZSTD_createDCtx()};
    if (input->path == NULL || input->decompressor == NULL) {
        free(input->path);
        input->path = NULL;
        return false;
    }
    if (!input_open_file(input)) return false;
    return input_read_index(input) || (input->error == NULL && trace_input_scan(input));
}

void trace_input_close(struct trace_input *input) {
    if (input->fd >= 0) close(input->fd);
    ZSTD_freeDCtx(input->decompressor);
    trace_bytes_free(&input->block);
    trace_bytes_free(&input->content);
    free(input->entries);
    free(input->path);
}
