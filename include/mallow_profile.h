/*
 * The format of profile files: mallow-profile(5). A file with this format is written by
 * `mallow run --sample` or MALLOW_OPTIONS=sample=RATE,profile=FILE, and by a running process on
 * request.
 *
 * A profile is a sequence of blocks. Each begins with struct mallow_profile_block, and its length
 * is a multiple of eight bytes. A file may end anywhere: all complete blocks before that place
 * count. A reader skips a block whose checksum is wrong, and blocks of an unknown type.
 *
 * A section is the part that one program wrote: it begins with a PROCESS block and ends before the
 * next one. A file may have several sections, so files can be joined with cat(1). A program that
 * another program of the same process executed has a section of its own.
 *
 * A section contains snapshots. Each consists of MODULES, STACKS and THREADS blocks with what is
 * new since the last snapshot, a SNAPSHOT block with exact totals, SITES blocks with all sites that
 * changed, and a DONE block. What follows the last DONE block is an incomplete snapshot. The last
 * snapshot, and one that was requested, also has LIVE blocks, which together contain each live
 * sample. A snapshot has as many blocks of one type as its records need, and none without records.
 *
 * Samples: an allocation of S bytes is sampled with probability p = 1 - exp(-S / R), where R is the
 * mean number of bytes between samples (`rate`). A sample therefore represents 1 / p blocks and S /
 * p bytes, and these are the figures in a site. The variance of such a sum of bytes is the sum of
 * S * S * (1 - p) / (p * p), so its 95 % interval is about +-1.96 * sqrt(variance). Blocks that are
 * too large for a slot are all recorded (p = 1).
 *
 * All numbers are in the byte order of the machine that wrote them. Times are nanoseconds of
 * CLOCK_MONOTONIC. Later versions of the format only add types of blocks, and fields at the end of
 * PROCESS and SNAPSHOT.
 */
#ifndef MALLOW_PROFILE_H
#define MALLOW_PROFILE_H

#include <stdint.h>

#define MALLOW_PROFILE_MAGIC 0x464f5250u /* "PROF" in little-endian order */
#define MALLOW_PROFILE_VERSION 1u

enum mallow_profile_type {
    MALLOW_PROFILE_PROCESS = 1,
    MALLOW_PROFILE_MODULES,
    MALLOW_PROFILE_STACKS,
    MALLOW_PROFILE_THREADS,
    MALLOW_PROFILE_SNAPSHOT,
    MALLOW_PROFILE_SITES,
    MALLOW_PROFILE_LIVE,
    MALLOW_PROFILE_DONE,
};

struct mallow_profile_block {
    uint32_t magic;  /* MALLOW_PROFILE_MAGIC */
    uint32_t type;   /* enum mallow_profile_type */
    uint64_t length; /* bytes that follow this structure */
    /* CRC-32 (IEEE 802.3, as in zlib) of `type`, `length` and the bytes that follow. */
    uint32_t checksum;
    uint32_t reserved; /* 0 */
};

/* PROCESS: this structure, then `class_count` sizes of uint64_t (the size classes in bytes), then
 * the path of the program, ended and filled up with zeros. */
struct mallow_profile_process {
    uint32_t version;    /* MALLOW_PROFILE_VERSION */
    uint32_t size;       /* of this structure; what follows it begins there */
    uint32_t pid, ppid;  /* in the PID namespace of the process */
    uint64_t started;    /* when the section was begun */
    uint64_t started_at; /* the same moment in nanoseconds since 1970 (CLOCK_REALTIME) */
    uint64_t rate;       /* mean bytes between samples */
    uint32_t page_bytes;
    uint16_t machine;       /* e_machine of ELF: the processor */
    uint16_t address_bytes; /* 4 or 8 */
    uint32_t class_count;
    uint32_t
        sections; /* sections that this process has written before: programs that it executed */
};

/* MODULES: records of executable mappings. A module replaces those that it overlaps. Each record is
 * this structure, the build ID, and the path, filled up with zeros to a multiple of eight bytes. */
struct mallow_profile_module {
    uint64_t start, end; /* addresses */
    uint64_t offset;     /* of the start, in the file */
    uint32_t id_bytes;   /* of the build ID; 0: unknown */
    uint32_t path_bytes; /* without a zero at the end */
};

/* STACKS: nodes of the tree of stacks. A node's number never changes its meaning within a section,
 * and its caller has been described before. The outermost frame has the caller 0. */
struct mallow_profile_node {
    uint32_t node, caller;
    uint64_t pc; /* a return address: the call ends at the byte before it */
};

struct mallow_profile_thread {
    uint32_t thread; /* its ID, as gettid() returns it */
    uint32_t reserved;
    char name[16]; /* when it was first seen; not ended by a zero if all 16 bytes are used */
};

/* Why a snapshot was written. */
enum mallow_profile_reason {
    MALLOW_PROFILE_PERIODIC = 1, /* from time to time */
    MALLOW_PROFILE_REQUEST,      /* another process requested it */
    MALLOW_PROFILE_EXIT,         /* the program ended, or executed another */
    MALLOW_PROFILE_LIMIT,        /* memory is near its limit */
    MALLOW_PROFILE_NO_MEMORY,    /* an allocation failed */
    MALLOW_PROFILE_ERROR,        /* a memory error was found */
    MALLOW_PROFILE_OFF,          /* sampling was turned off */
};

/* SNAPSHOT: this structure, then for each size class the number of its live blocks, as uint64_t.
 * All figures here are exact. Sizes are those of the slots and page runs, which requests are
 * rounded up to. */
struct mallow_profile_snapshot {
    uint32_t size; /* of this structure */
    uint32_t reason;
    uint64_t time;
    uint64_t resident_bytes; /* 0: unknown */
    uint64_t live_blocks, live_bytes;
    uint64_t large_blocks, large_bytes; /* those of them that are too large for a slot */
    uint64_t heap_bytes, metadata_bytes;
    uint64_t samples_lost; /* samples that there was no memory to record */
};

/* Sums over the allocations of one stack. All figures except `samples` are estimates (see above).
 */
struct mallow_profile_sum {
    uint64_t samples;
    double blocks, bytes;
    double variance; /* of bytes */
};

#define MALLOW_PROFILE_LIFETIMES 8 /* < 1 ms, < 10 ms, ..., < 1000 s, longer */

/* SITES: records of this structure. A record replaces the earlier one for the same node and kind.
 */
struct mallow_profile_site {
    uint32_t node;
    uint32_t large; /* 1: blocks that are too large for a slot, all of which are recorded */
    struct mallow_profile_sum allocated; /* since the section began */
    struct mallow_profile_sum live;
    double peak_bytes;                      /* the highest live.bytes */
    double freed[MALLOW_PROFILE_LIFETIMES]; /* freed blocks, by how long they lived */
};

/* LIVE: records of all live samples. */
struct mallow_profile_live {
    uint64_t address;
    uint64_t bytes; /* that the program requested */
    double blocks;  /* that this sample represents: 1 / p */
    uint64_t time;  /* of the allocation */
    uint32_t node;
    uint32_t thread; /* that allocated it */
    uint32_t lost;   /* 1: no pointer leads to the block; 0: not known */
    uint32_t large;
};

/* DONE: no bytes. The snapshot is complete. */

#endif
