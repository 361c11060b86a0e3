#include "profile/profile_block.h"

#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os_append.h"

#define PROFILE_BLOCK_BYTES (64 * KIB)
_Static_assert(PROFILE_BLOCK_RECORD_MAX <= PROFILE_BLOCK_BYTES / 2, "a record fits");
_Static_assert(sizeof(struct mallow_profile_block) == 12, "the structure has no padding");

static UNTOUCHED struct {
    struct mallow_profile_block head;
    char bytes[PROFILE_BLOCK_BYTES];
} profile_block_buffer;

static struct {
    size_t length; /* bytes in the buffer after the head */
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

static void profile_block_store(uint8_t *to, size_t bytes, uint32_t value) {
    for (size_t i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> 8 * i);
}

/* A block is written by one call. A program that is killed therefore leaves whole blocks, and at
 * most one that is not. */
static void profile_block_write(void) {
    struct mallow_profile_block *head = &profile_block_buffer.head;
    size_t bytes = sizeof *head + profile_block.length;
    size_t checked = offsetof(struct mallow_profile_block, length);
    memcpy(head->magic, MALLOW_PROFILE_MAGIC, sizeof head->magic);
    profile_block_store(head->length, sizeof head->length, (uint32_t)profile_block.length);
    profile_block_store(head->checksum, sizeof head->checksum,
                        profile_block_checksum(0, (char *)head + checked, bytes - checked));
    if (!profile_block.failed) profile_block.failed = !os_append(profile_block.fd, head, bytes);
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
    profile_block_buffer.head.type = (uint8_t)type;
    profile_block.is_open = true;
}

bool profile_block_record(enum mallow_profile_type type, size_t max) {
    MALLOW_ASSERT(max <= PROFILE_BLOCK_RECORD_MAX);
    bool fits = PROFILE_BLOCK_BYTES - profile_block.length >= max;
    if (!profile_block.is_open || profile_block_buffer.head.type != type || !fits)
        profile_block_open(type);
    return profile_block.length == 0;
}

void profile_block_add_bytes(const void *bytes, size_t count) {
    MALLOW_ASSERT(profile_block.is_open && count <= PROFILE_BLOCK_BYTES - profile_block.length);
    memcpy(profile_block_buffer.bytes + profile_block.length, bytes, count);
    profile_block.length += count;
}

void profile_block_add_number(uint64_t number) {
    uint8_t bytes[PROFILE_NUMBER_MAX];
    size_t count = 0;
    for (; number >= 0x80; number >>= 7) bytes[count++] = (uint8_t)(number | 0x80);
    bytes[count++] = (uint8_t)number;
    profile_block_add_bytes(bytes, count);
}

void profile_block_add_difference(uint64_t value, uint64_t before) {
    profile_block_add_number(profile_difference(value, before));
}

void profile_block_add_estimate(double value) {
    uint8_t bytes[PROFILE_ESTIMATE_BYTES];
    float estimate = (float)value;
    uint32_t bits;
    memcpy(&bits, &estimate, sizeof bits);
    profile_block_store(bytes, sizeof bytes, bits);
    profile_block_add_bytes(bytes, sizeof bytes);
}

void profile_block_mark(enum mallow_profile_type type) {
    profile_block_open(type);
    profile_block_write();
}

bool profile_block_finish(void) {
    profile_block_close();
    return !profile_block.failed;
}
