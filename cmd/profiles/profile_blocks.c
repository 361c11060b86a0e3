#include "profiles/profile_blocks.h"

#include <string.h>
#include <zlib.h>

#include "mallow_profile.h"

#define HEADER_BYTES sizeof(struct mallow_profile_block)
#define MAGIC_BYTES (sizeof MALLOW_PROFILE_MAGIC - 1)

/* The checksum covers the header's length and type, which are at its end. */
#define SUM_START offsetof(struct mallow_profile_block, length)

static uint32_t profile_blocks_number(const uint8_t *bytes, size_t count) {
    uint32_t number = 0;
    for (size_t i = 0; i < count; i++) number |= (uint32_t)bytes[i] << 8 * i;
    return number;
}

/* Returns the bytes that follow the header. */
static size_t profile_blocks_length(const struct mallow_profile_block *header) {
    return profile_blocks_number(header->length, sizeof header->length);
}

/* Copies the header at that place. Returns false if no complete block can begin there. */
static bool profile_blocks_header(const struct profile_scan *scan, size_t at,
                                  struct mallow_profile_block *header) {
    if (scan->count - at < HEADER_BYTES) return false;
    memcpy(header, scan->bytes + at, HEADER_BYTES);
    return memcmp(header->magic, MALLOW_PROFILE_MAGIC, MAGIC_BYTES) == 0 &&
           profile_blocks_length(header) <= scan->count - at - HEADER_BYTES;
}

static bool profile_blocks_is_valid(struct profile_scan *scan, size_t at,
                                    struct mallow_profile_block *header) {
    if (!profile_blocks_header(scan, at, header)) return false;
    size_t length = profile_blocks_length(header);
    uLong sum = crc32_z(0, scan->bytes + at + SUM_START, HEADER_BYTES - SUM_START + length);
    if (sum == profile_blocks_number(header->checksum, sizeof header->checksum)) return true;
    scan->wasted += length;
    return false;
}

static bool profile_blocks_has_magic(const struct profile_scan *scan, size_t at) {
    size_t left = scan->count - at, count = left < MAGIC_BYTES ? left : MAGIC_BYTES;
    return memcmp(scan->bytes + at, MALLOW_PROFILE_MAGIC, count) == 0;
}

/* A hostile file could make each checksum take as long as the whole file. */
static bool profile_blocks_may_search(const struct profile_scan *scan) {
    return scan->wasted / 8 <= scan->count;
}

/* Returns the next place after `at` where a valid block begins, or the end. */
static size_t profile_blocks_search(struct profile_scan *scan, size_t at) {
    struct mallow_profile_block header;
    const unsigned char *found = scan->bytes + at, *end = scan->bytes + scan->count;
    while (profile_blocks_may_search(scan) &&
           (found = memmem(found + 1, (size_t)(end - found) - 1, MALLOW_PROFILE_MAGIC,
                           MAGIC_BYTES)) != NULL)
        if (profile_blocks_is_valid(scan, (size_t)(found - scan->bytes), &header))
            return (size_t)(found - scan->bytes);
    return scan->count;
}

/* Skips the block that begins at `scan->at`, which is damaged. Its length is right if another block
 * follows it, or the end. */
static void profile_blocks_skip(struct profile_scan *scan) {
    struct mallow_profile_block header;
    size_t at = scan->at;
    bool whole = profile_blocks_header(scan, at, &header);
    if (whole &&
        profile_blocks_has_magic(scan, at + HEADER_BYTES + profile_blocks_length(&header))) {
        scan->at += HEADER_BYTES + profile_blocks_length(&header);
        scan->lost_start = scan->lost_start || header.type == MALLOW_PROFILE_PROCESS;
    } else {
        scan->at = profile_blocks_search(scan, at);
    }
    if (scan->at == scan->count && !whole && profile_blocks_has_magic(scan, at) &&
        profile_blocks_may_search(scan))
        scan->truncated = true;
    else
        scan->damaged++;
}

bool profile_next_block(struct profile_scan *scan, struct profile_block *block) {
    struct mallow_profile_block header;
    while (scan->at < scan->count) {
        size_t at = scan->at;
        if (!profile_blocks_is_valid(scan, at, &header)) {
            profile_blocks_skip(scan);
            continue;
        }
        *block = (struct profile_block){header.type, scan->bytes + at + HEADER_BYTES,
                                        profile_blocks_length(&header)};
        scan->at += HEADER_BYTES + profile_blocks_length(&header);
        return true;
    }
    return false;
}
