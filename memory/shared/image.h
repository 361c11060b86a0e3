/*
 * The format of an image.
 *
 *     0          4 KiB        12 KiB  16 KiB                          64 KiB boundary
 *     +----------+------------+-------+----------------+---------------+------------------+ - - -
 *     | header   | directory  | unused| states         | index         | units            |
 *     +----------+------------+-------+----------------+---------------+------------------+ - - -
 *                                     a byte per unit,  bits per order  now        at most
 *                                     as for the maximum                `units`    `maximum`
 *
 * Memory is counted in units of 16 bytes. A block of order k is 1 << k units, and its position is a
 * multiple of that. The states say what each block is; the index says where the free blocks are
 * (bits.h). Both are long enough for the maximum, but only the parts for the present units take
 * memory. The file ends with the units, and grows with them.
 *
 * The format depends neither on the page size nor on the address. Numbers have the machine's byte
 * order. An image of another byte order or word size has another magic number.
 */
#ifndef MALLOW_IMAGE_H
#define MALLOW_IMAGE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow/shared.h"

#define IMAGE_UNIT 16
#define IMAGE_UNIT_SHIFT 4
#define IMAGE_GRANULE ((uint64_t)64 << 10)           /* the heap grows by multiples of it */
#define IMAGE_UNITS_MAX ((uint64_t)1 << (47 - 4))    /* 128 TiB */
#define IMAGE_STATES_AT ((uint64_t)16 << 10)         /* offset of the states */
#define IMAGE_MAGIC 0x4d414c4c4f573634               /* "MALLOW64" as a big-endian number */
#define IMAGE_MAGIC_NEW (IMAGE_MAGIC ^ 0x5555555555) /* the image is being created */
#define IMAGE_VERSION 1

/* The values of a state byte. Values below STATE_FREE do not mark a head: such a byte is inside a
 * block, and has a meaning only if it is one of the first after the head of a used block
 * (buddy.h). */
#define STATE_FREE 0x40  /* + order: head of a free block */
#define STATE_USED 0x80  /* + order, at least 1: head of a used block */
#define STATE_SMALL 0xc0 /* + size in bytes, 0 to 16: head of a used block of order 0 */

/* A step: an intended change, and the amounts after it. See buddy.h. */
struct image_step {
    uint64_t position;           /* of the block, in units */
    uint64_t what;               /* the action, the lower and the higher order, 8 bits each */
    uint64_t size;               /* as requested, in bytes, if the block is used afterwards */
    uint64_t then_free;          /* position of a block to free in the next step, or NO_UNIT */
    uint64_t units;              /* the present units */
    uint64_t blocks;             /* number of used blocks */
    uint64_t used, requested;    /* bytes of used blocks: their sizes, and as requested */
    uint64_t place[2], value[2]; /* offsets of words to store, until 0, and their new values */
    uint64_t number;             /* of this step, counted from the creation of the image */
    uint64_t unused[3];
};
_Static_assert(sizeof(struct image_step) == 128, "two cache lines");

#define NO_UNIT UINT64_MAX

struct image_name {
    mallow_shared_handle handle; /* 0: the entry is free */
    char name[MALLOW_SHARED_NAME_BYTES];
};
_Static_assert(sizeof(struct image_name) == 64, "one cache line");

struct image_header {
    /* These members are written once. All versions have them. */
    uint64_t magic; /* written last; see IMAGE_MAGIC_NEW */
    uint64_t version;
    uint64_t identity; /* a random number that copies share */
    uint64_t maximum;  /* of units */
    uint64_t sum;      /* of the four above */

    /* These members are written when the first process opens the image, and when the last one
     * closes it. */
    uint64_t lock_kind;  /* of `mutex`, which only equal versions of libc can share */
    uint64_t boot;       /* 0: the image is sealed; otherwise the running kernel (boot.h) */
    uint64_t seal;       /* the checksum of a sealed image (seal.h) */
    uint64_t file_bytes; /* size of the file of a sealed image */
    uint64_t unused1[7];

    union {
        pthread_mutex_t mutex;
        char bytes[128];
    } lock;

    uint64_t damaged; /* not 0: a repair failed */
    uint64_t repairs;
    mallow_shared_handle root;
    uint64_t unused2[5];

    uint64_t commit; /* index of the current step, + STEP_PENDING */
    uint64_t orders; /* bit k is set if a block of order k is free: the top of the index */
    uint64_t unused3[6];
    struct image_step step[2];

    uint64_t unmerged[MALLOW_SHARED_ORDERS]; /* at least the number of pairs */
    uint64_t unused4[388];
};
_Static_assert(offsetof(struct image_header, lock) == 128, "on a cache line");
_Static_assert(offsetof(struct image_header, commit) == 320, "on a cache line");
_Static_assert(sizeof(struct image_header) == 4096, "no byte escapes the checksum");
_Static_assert(sizeof(pthread_mutex_t) <= 128, "the mutex fits");

#define STEP_PENDING 2

/* Returns the value of `sum`. */
static inline uint64_t image_header_sum(const struct image_header *header) {
    const uint64_t words[] = {IMAGE_MAGIC, header->version, header->identity, header->maximum};
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) sum = (sum << 23 ^ sum >> 41 ^ words[i]) * 0x9e3779b97f4a7c15;
    return sum;
}

#define IMAGE_NAMES_AT 4096
_Static_assert(IMAGE_NAMES_AT + MALLOW_SHARED_NAMES * sizeof(struct image_name) <= IMAGE_STATES_AT,
               "the directory ends before the states");

#endif
