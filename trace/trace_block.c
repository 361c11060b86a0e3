#include "trace_block.h"

#include <string.h>
#include <zlib.h>

static void block_store(uint8_t *to, uint32_t number) {
    for (unsigned i = 0; i < 4; i++) to[i] = (uint8_t)(number >> 8 * i);
}

static uint32_t block_load(const uint8_t *from) {
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static uint32_t block_checksum(const uint8_t *block, size_t length) {
    return (uint32_t)crc32_z(0, block + 8, TRACE_HEAD_BYTES - 8 + length);
}

void trace_block_seal(uint8_t *block, size_t length, enum trace_block_type type) {
    block_store(block, TRACE_MAGIC);
    block_store(block + 8, (uint32_t)length);
    block_store(block + 12, type);
    block_store(block + 4, block_checksum(block, length));
}

bool trace_block_read_head(const uint8_t *bytes, struct trace_block_head *head) {
    if (block_load(bytes) != TRACE_MAGIC) return false;
    *head = (struct trace_block_head){.checksum = block_load(bytes + 4),
                                      .length = block_load(bytes + 8),
                                      .type = block_load(bytes + 12)};
    return true;
}

bool trace_block_is_intact(const uint8_t *block) {
    struct trace_block_head head;
    return trace_block_read_head(block, &head) &&
           block_checksum(block, head.length) == head.checksum;
}

void trace_block_put_numbers(struct trace_bytes *to, enum trace_block_type type,
                             const struct trace_block_numbers *numbers) {
    trace_bytes_put(to, numbers->content);
    if (type != TRACE_BLOCK_EVENTS && type != TRACE_BLOCK_CHECKPOINT) return;
    trace_bytes_put(to, numbers->first);
    trace_bytes_put(to, numbers->count);
    if (type != TRACE_BLOCK_EVENTS) return;
    trace_bytes_put(to, numbers->start);
    trace_bytes_put(to, trace_fold(numbers->end - numbers->start));
    trace_bytes_put(to, numbers->group);
}

bool trace_block_read_numbers(struct trace_cursor *from, uint32_t type,
                              struct trace_block_numbers *numbers) {
    *numbers = (struct trace_block_numbers){.content = trace_cursor_number(from)};
    if (type == TRACE_BLOCK_EVENTS || type == TRACE_BLOCK_CHECKPOINT) {
        numbers->first = trace_cursor_number(from);
        numbers->count = trace_cursor_number(from);
    }
    if (type == TRACE_BLOCK_EVENTS) {
        numbers->start = trace_cursor_number(from);
        numbers->end = numbers->start + trace_unfold(trace_cursor_number(from));
        numbers->group = trace_cursor_number(from);
    }
    return !from->failed && numbers->content <= TRACE_CONTENT_MAX &&
           numbers->first + numbers->count >= numbers->first;
}
