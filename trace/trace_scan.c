/* Lists the blocks of a file that has no index, because its writer was killed. */
#include <string.h>

#include "trace_input.h"

/* Reads the head and the numbers of the block at the offset. Returns false if there is none that
 * fits into the file. */
static bool scan_read(struct trace_input *input, uint64_t offset, struct trace_entry *entry) {
    uint8_t bytes[TRACE_PREFIX_BYTES + TRACE_HEAD_BYTES];
    struct trace_block_head head;
    uint64_t left = input->bytes - offset;
    size_t count = left < sizeof bytes ? (size_t)left : sizeof bytes;
    if (count < TRACE_HEAD_BYTES || !trace_input_read_at(input, bytes, offset, count) ||
        !trace_block_read_head(bytes, &head) || head.length > left - TRACE_HEAD_BYTES)
        return false;
    *entry = (struct trace_entry){
        .offset = offset, .length = head.length + (size_t)TRACE_HEAD_BYTES, .type = head.type};
    if (entry->length < count) count = entry->length;
    struct trace_cursor numbers = {.at = bytes + TRACE_HEAD_BYTES, .end = bytes + count};
    bool has_numbers = head.type == TRACE_BLOCK_EVENTS || head.type == TRACE_BLOCK_CHECKPOINT;
    return !has_numbers || trace_block_read_numbers(&numbers, head.type, &entry->numbers);
}

/* Searches for the next intact block, and stores it. Returns false if there is none. */
static bool scan_search(struct trace_input *input, uint64_t offset, struct trace_entry *entry) {
    uint8_t bytes[65536];
    for (; input->bytes - offset >= TRACE_HEAD_BYTES; offset += sizeof bytes - 3) {
        uint64_t left = input->bytes - offset;
        size_t count = left < sizeof bytes ? (size_t)left : sizeof bytes;
        if (!trace_input_read_at(input, bytes, offset, count)) return false;
        const uint8_t *at = bytes, *end = bytes + count;
        while ((at = memmem(at, (size_t)(end - at), TRACE_MAGIC_TEXT, 4)) != NULL) {
            if (scan_read(input, offset + (uint64_t)(at - bytes), entry) &&
                trace_input_load(input, entry))
                return true;
            at++;
        }
        if (left <= sizeof bytes) return false;
    }
    return false;
}

static bool scan_is_complete(const struct trace_input *input) {
    return input->count != 0 && input->entries[input->count - 1].type == TRACE_BLOCK_END;
}

bool trace_input_scan(struct trace_input *input) {
    struct trace_entry entry;
    uint64_t offset = 0;
    for (; offset < input->bytes; offset = entry.offset + entry.length) {
        bool found = scan_read(input, offset, &entry);
        if (!found) {
            /* The length of the last block can be what is damaged. */
            uint64_t last = input->count == 0 ? offset : input->entries[input->count - 1].offset;
            found = scan_search(input, last + 1, &entry);
            if (found) trace_input_damage(input, offset, "damaged bytes were skipped");
        }
        if (input->error != NULL) return false;
        if (!found) break;
        if (!trace_input_add_entry(input, &entry)) return false;
    }
    if (!scan_is_complete(input))
        trace_input_damage(input, offset,
                           "the file ends here, because its writer was killed or is still writing: "
                           "what was recorded later is missing");
    return true;
}
