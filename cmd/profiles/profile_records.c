#include "profiles/profile_records.h"

#include <string.h>

struct profile_cursor profile_cursor_of(const struct profile_block *block) {
    return (struct profile_cursor){.at = block->bytes, .end = block->bytes + block->count};
}

/* ---- parts of records ---- */

const unsigned char *profile_next_bytes(struct profile_cursor *cursor, uint64_t count) {
    if (cursor->failed || count > (uint64_t)(cursor->end - cursor->at)) {
        cursor->failed = true;
        return NULL;
    }
    const unsigned char *bytes = cursor->at;
    cursor->at += count;
    return bytes;
}

uint64_t profile_next_number(struct profile_cursor *cursor) {
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const unsigned char *byte = profile_next_bytes(cursor, 1);
        if (byte == NULL) return 0;
        number |= (uint64_t)(*byte & 0x7f) << shift;
        if (*byte < 0x80) return number;
    }
    cursor->failed = true;
    return 0;
}

static uint64_t profile_records_signed(uint64_t number) { return number >> 1 ^ (0 - (number & 1)); }

uint64_t profile_next_value(struct profile_cursor *cursor, uint64_t before) {
    return before + profile_records_signed(profile_next_number(cursor));
}

double profile_next_estimate(struct profile_cursor *cursor) {
    const unsigned char *bytes = profile_next_bytes(cursor, 4);
    float estimate;
    if (bytes == NULL) return 0;
    uint32_t bits =
        bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    memcpy(&estimate, &bits, sizeof estimate);
    return (double)estimate;
}

/* ---- records ---- */

bool profile_next_node(struct profile_cursor *cursor, struct mallow_profile_node *node) {
    if (!profile_has_more(cursor)) return false;
    uint32_t before = node->node;
    node->node = (uint32_t)profile_next_value(cursor, before);
    node->caller = (uint32_t)profile_next_value(cursor, before);
    node->pc = profile_next_value(cursor, node->pc);
    return !cursor->failed;
}

bool profile_next_thread(struct profile_cursor *cursor, struct mallow_profile_thread *thread) {
    if (!profile_has_more(cursor)) return false;
    *thread = (struct mallow_profile_thread){.thread = (uint32_t)profile_next_number(cursor)};
    uint64_t length = profile_next_number(cursor);
    const unsigned char *name = profile_next_bytes(cursor, length);
    if (name == NULL) return false;
    memcpy(thread->name, name, length < sizeof thread->name ? length : sizeof thread->name);
    return true;
}

static struct mallow_profile_sum profile_records_sum(struct profile_cursor *cursor, bool large) {
    struct mallow_profile_sum sum = {.samples = profile_next_number(cursor)};
    sum.blocks = large ? (double)sum.samples : profile_next_estimate(cursor);
    sum.bytes = (double)profile_next_number(cursor);
    sum.variance = large ? 0 : profile_next_estimate(cursor);
    return sum;
}

bool profile_next_site(struct profile_cursor *cursor, struct mallow_profile_site *site) {
    if (!profile_has_more(cursor)) return false;
    uint64_t head = profile_next_number(cursor), parts = profile_next_number(cursor);
    bool large = head & 1;
    *site = (struct mallow_profile_site){
        .node = (uint32_t)(site->node + profile_records_signed(head >> 1)), .large = large};
    if (parts & MALLOW_PROFILE_ALLOCATED) site->allocated = profile_records_sum(cursor, large);
    if (parts & MALLOW_PROFILE_ALL_LIVE) site->live = site->allocated;
    if (parts & MALLOW_PROFILE_SOME_LIVE) site->live = profile_records_sum(cursor, large);
    if (parts & MALLOW_PROFILE_INHERITED) site->inherited = profile_records_sum(cursor, large);
    site->peak_bytes =
        parts & MALLOW_PROFILE_PEAK ? (double)profile_next_number(cursor) : site->live.bytes;
    for (unsigned i = 0; i < MALLOW_PROFILE_LIFETIMES; i++)
        if (parts >> i & MALLOW_PROFILE_FREED) site->freed[i] = profile_next_estimate(cursor);
    return !cursor->failed;
}

bool profile_next_live(struct profile_cursor *cursor, struct mallow_profile_live *live) {
    if (!profile_has_more(cursor)) return false;
    uint64_t head = profile_next_number(cursor);
    live->node = (uint32_t)(live->node + profile_records_signed(head >> 3));
    live->lost = head & 1;
    live->large = head >> 1 & 1;
    live->inherited = head >> 2 & 1;
    live->address = profile_next_value(cursor, live->address);
    live->bytes = profile_next_number(cursor);
    live->blocks = live->large != 0 ? 1 : profile_next_estimate(cursor);
    live->time = profile_next_value(cursor, live->time);
    live->thread = (uint32_t)profile_next_value(cursor, live->thread);
    return !cursor->failed;
}

/* ---- what describes the process ---- */

bool profile_next_pinned(struct profile_cursor *cursor, struct mallow_profile_pinned *pinned) {
    if (!profile_has_more(cursor)) return false;
    uint64_t head = profile_next_number(cursor);
    pinned->node = (uint32_t)(pinned->node + profile_records_signed(head >> 1));
    pinned->large = head & 1;
    pinned->bytes = (double)profile_next_number(cursor);
    pinned->variance = profile_next_estimate(cursor);
    return !cursor->failed;
}

bool profile_next_pair(struct profile_cursor *cursor, struct profile_pair *pair) {
    if (!profile_has_more(cursor)) return false;
    pair->key_bytes = profile_next_number(cursor);
    pair->key = profile_next_bytes(cursor, pair->key_bytes);
    pair->value_bytes = profile_next_number(cursor);
    pair->value = profile_next_bytes(cursor, pair->value_bytes);
    return !cursor->failed;
}

/* Replaces the path after its first bytes, which the record shares with the last one. */
static bool profile_records_path(struct profile_cursor *cursor, struct profile_mapping *mapping) {
    uint64_t shared = profile_next_number(cursor), rest = profile_next_number(cursor);
    const unsigned char *bytes = profile_next_bytes(cursor, rest);
    mapping->path_bytes = 0;
    if (bytes == NULL || shared > strlen(mapping->path) || rest >= sizeof mapping->path - shared)
        return false;
    if (shared + rest == 0) return true;
    memcpy(mapping->path + shared, bytes, rest);
    mapping->path[shared + rest] = '\0';
    mapping->path_bytes = strlen(mapping->path);
    return true;
}

bool profile_next_mapping(struct profile_cursor *cursor, struct profile_mapping *mapping) {
    if (!profile_has_more(cursor)) return false;
    mapping->start = profile_next_value(cursor, mapping->end);
    mapping->end = mapping->start + profile_next_number(cursor);
    mapping->parts = (unsigned)profile_next_number(cursor);
    mapping->offset = profile_next_number(cursor);
    for (unsigned i = 0; i < MALLOW_PROFILE_MAPPING_FIGURES; i++) {
        bool has = (mapping->parts >> i & MALLOW_PROFILE_RESIDENT) != 0;
        mapping->kib[i] = has ? profile_next_number(cursor) : 0;
    }
    return profile_records_path(cursor, mapping) && !cursor->failed;
}

bool profile_next_range(struct profile_cursor *cursor, struct profile_area *range) {
    if (!profile_has_more(cursor)) return false;
    range->start = profile_next_value(cursor, range->end);
    range->end = range->start + profile_next_number(cursor);
    range->use = (unsigned)profile_next_number(cursor);
    return !cursor->failed;
}

bool profile_next_pages(struct profile_cursor *cursor, struct profile_area *pages) {
    if (!profile_has_more(cursor)) return false;
    pages->start = profile_next_value(cursor, pages->end);
    uint64_t number = profile_next_number(cursor);
    pages->end = pages->start + number / 16 * 4096;
    pages->use = number % 16;
    return !cursor->failed;
}
