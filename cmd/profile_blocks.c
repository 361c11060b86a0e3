#include "profile_blocks.h"

#include <string.h>
#include <zlib.h>

#include "mallow_profile.h"

#define HEADER_BYTES sizeof(struct mallow_profile_block)

/* The checksum covers the header's type and length, which are adjacent. */
#define SUM_START offsetof(struct mallow_profile_block, type)
#define SUM_END offsetof(struct mallow_profile_block, checksum)

/* Copies the header at that place. Returns false if no complete block can begin there. */
static bool profile_blocks_header(const struct profile_scan *scan, size_t at,
                                  struct mallow_profile_block *header) {
    if (scan->count - at < HEADER_BYTES) return false;
    memcpy(header, scan->bytes + at, HEADER_BYTES);
    return header->magic == MALLOW_PROFILE_MAGIC && header->length % 8 == 0 &&
           header->length <= scan->count - at - HEADER_BYTES;
}

static bool profile_blocks_is_valid(struct profile_scan *scan, size_t at,
                                    struct mallow_profile_block *header) {
    if (!profile_blocks_header(scan, at, header)) return false;
    uLong sum = crc32_z(0, scan->bytes + at + SUM_START, SUM_END - SUM_START);
    sum = crc32_z(sum, scan->bytes + at + HEADER_BYTES, (size_t)header->length);
    if (sum == header->checksum) return true;
    scan->wasted += (size_t)header->length;
    return false;
}

static bool profile_blocks_has_magic(const struct profile_scan *scan, size_t at) {
    static const uint32_t magic = MALLOW_PROFILE_MAGIC;
    size_t left = scan->count - at, count = left < sizeof magic ? left : sizeof magic;
    return memcmp(scan->bytes + at, &magic, count) == 0;
}

/* A hostile file could make each checksum take as long as the whole file. */
static bool profile_blocks_may_search(const struct profile_scan *scan) {
    return scan->wasted / 8 <= scan->count;
}

/* Returns the next place after `at` where a valid block begins, or the end. */
static size_t profile_blocks_search(struct profile_scan *scan, size_t at) {
    static const uint32_t magic = MALLOW_PROFILE_MAGIC;
    struct mallow_profile_block header;
    const unsigned char *found = scan->bytes + at, *end = scan->bytes + scan->count;
    while (profile_blocks_may_search(scan) &&
           (found = memmem(found + 1, (size_t)(end - found) - 1, &magic, sizeof magic)) != NULL)
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
    if (whole && profile_blocks_has_magic(scan, at + HEADER_BYTES + (size_t)header.length)) {
        scan->at += HEADER_BYTES + (size_t)header.length;
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
                                        (size_t)header.length};
        scan->at += HEADER_BYTES + (size_t)header.length;
        return true;
    }
    return false;
}
