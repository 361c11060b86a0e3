#include "profile/profile_block.h"

#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os_append.h"

#define PROFILE_BLOCK_BYTES (64 * KIB)
_Static_assert(PROFILE_BLOCK_RECORD_MAX <= PROFILE_BLOCK_BYTES / 2, "a record fits");

static UNTOUCHED struct {
    struct mallow_profile_block head;
    char bytes[PROFILE_BLOCK_BYTES];
} profile_block_buffer;

static struct {
    size_t length; /* of the bytes in the buffer */
    int fd;
    bool is_open; /* a block was begun */
    bool failed;
} profile_block;

/* ---- the checksum ---- */

#define PROFILE_CRC_POLYNOMIAL 0xedb88320u

static UNTOUCHED uint32_t profile_block_crc_table[256];

static RARE void profile_block_fill_crc_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ ((value & 1) != 0 ? PROFILE_CRC_POLYNOMIAL : 0);
        profile_block_crc_table[i] = value;
    }
}

uint32_t profile_block_checksum(uint32_t checksum, const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    if (unlikely(profile_block_crc_table[1] == 0)) profile_block_fill_crc_table();
    for (checksum = ~checksum; count > 0; count--)
        checksum = checksum >> 8 ^ profile_block_crc_table[(checksum ^ *at++) & 0xff];
    return ~checksum;
}

/* ---- blocks ---- */

void profile_block_prepare(void) {
    volatile char *bytes = (char *)&profile_block_buffer;
    for (size_t i = 0; i < sizeof profile_block_buffer; i += 4 * KIB) bytes[i] = 0;
    profile_block_checksum(0, "", 0);
}

void profile_block_start(int fd) {
    profile_block.fd = fd;
    profile_block.length = 0;
    profile_block.is_open = profile_block.failed = false;
}

/* A block is written by one call. A program that is killed therefore leaves whole blocks, and at
 * most one that is not. */
static void profile_block_write(void) {
    struct mallow_profile_block *head = &profile_block_buffer.head;
    size_t checked = offsetof(struct mallow_profile_block, type);
    MALLOW_ASSERT(profile_block.length % 8 == 0);
    head->magic = MALLOW_PROFILE_MAGIC;
    head->length = profile_block.length;
    head->checksum = profile_block_checksum(
        0, (char *)head + checked, offsetof(struct mallow_profile_block, checksum) - checked);
    head->checksum =
        profile_block_checksum(head->checksum, profile_block_buffer.bytes, profile_block.length);
    if (!profile_block.failed)
        profile_block.failed =
            !os_append(profile_block.fd, head, sizeof *head + profile_block.length);
    profile_block.length = 0;
    profile_block.is_open = false;
}

/* A block that got no records is not written. */
static void profile_block_close(void) {
    if (profile_block.length != 0) profile_block_write();
    profile_block.is_open = false;
}

static void profile_block_open(enum mallow_profile_type type) {
    profile_block_close();
    profile_block_buffer.head.type = type;
    profile_block.is_open = true;
}

void *profile_block_room(enum mallow_profile_type type, size_t bytes, size_t *records) {
    MALLOW_ASSERT(bytes != 0 && bytes <= PROFILE_BLOCK_RECORD_MAX);
    if (!profile_block.is_open || profile_block_buffer.head.type != type ||
        PROFILE_BLOCK_BYTES - profile_block.length < bytes)
        profile_block_open(type);
    *records = (PROFILE_BLOCK_BYTES - profile_block.length) / bytes;
    return profile_block_buffer.bytes + profile_block.length;
}

void profile_block_add(size_t bytes) {
    MALLOW_ASSERT(profile_block.is_open && bytes <= PROFILE_BLOCK_BYTES - profile_block.length);
    profile_block.length += bytes;
}

void profile_block_mark(enum mallow_profile_type type) {
    profile_block_open(type);
    profile_block_write();
}

bool profile_block_finish(void) {
    profile_block_close();
    return !profile_block.failed;
}
