/*
 * The format of profile files: mallow-profile(5). A file with this format is written by
 * `mallow run --sample` or MALLOW_OPTIONS=sample=RATE,profile=FILE, and by a running process on
 * request.
 *
 * A profile is a sequence of blocks. Each begins with struct mallow_profile_block. A file may end
 * anywhere: all complete blocks before that place count. A reader skips a block whose checksum is
 * wrong, and blocks of an unknown type.
 *
 * A section is the part that one program wrote: it begins with a PROCESS block and ends before the
 * next one. A file may have several sections, so files can be joined with cat(1). A program that
 * another program of the same process executed has a section of its own.
 *
 * A section contains snapshots. Each consists of STACKS, THREADS and MODULES blocks with what is
 * new since the last snapshot, a SNAPSHOT block with exact totals, SITES blocks with all sites that
 * changed, and a DONE block. What follows the last DONE block is an incomplete snapshot. The last
 * snapshot, and one that was requested, also has LIVE blocks, which together contain each live
 * sample, and describes the whole process: PINNED, SETTINGS, FILES, MAPPINGS, RANGES and PAGES. A
 * periodic snapshot describes the process after a second, and whenever the section has become half
 * as old again. A snapshot has as many blocks of one type as its records need, and none without
 * records.
 *
 * Samples: an allocation of S bytes is sampled with probability p = 1 - exp(-S / R), where R is the
 * mean number of bytes between samples (`rate`). A sample therefore represents 1 / p blocks and S /
 * p bytes, and these are the figures in a site. The variance of such a sum of bytes is the sum of
 * S * S * (1 - p) / (p * p), so its 95 % interval is about +-1.96 * sqrt(variance). Blocks that are
 * too large for a slot are all recorded (p = 1).
 *
 * A block begins with the first structure below. The others describe the records, whose members
 * follow one another in the file, as mallow-profile(5) describes, each in one of these forms:
 *
 *   number      seven bits in each byte, the lowest first; bit 7 is set if another byte follows
 *   difference  the number 2 * d, or -2 * d - 1 if d is negative, where d is the member less the
 *               same member of the previous record in the block (0 for the first record)
 *   estimate    a binary32 number of IEEE 754, the lowest byte first
 *
 * Numbers and differences wrap around at 2^64. Times are nanoseconds of CLOCK_MONOTONIC. Later
 * versions of the format with the same number only add types of blocks, and numbers at the end of
 * PROCESS and SNAPSHOT.
 */
#ifndef MALLOW_PROFILE_H
#define MALLOW_PROFILE_H

#include <stdint.h>

#define MALLOW_PROFILE_MAGIC "MPRF"
#define MALLOW_PROFILE_VERSION 2u

enum mallow_profile_type {
    MALLOW_PROFILE_PROCESS = 1,
    MALLOW_PROFILE_MODULES,
    MALLOW_PROFILE_STACKS,
    MALLOW_PROFILE_THREADS,
    MALLOW_PROFILE_SNAPSHOT,
    MALLOW_PROFILE_SITES,
    MALLOW_PROFILE_LIVE,
    MALLOW_PROFILE_DONE,
    MALLOW_PROFILE_PINNED,
    MALLOW_PROFILE_SETTINGS,
    MALLOW_PROFILE_FILES,
    MALLOW_PROFILE_MAPPINGS,
    MALLOW_PROFILE_RANGES,
    MALLOW_PROFILE_PAGES,
};

/* Numbers in it have their lowest byte first. */
struct mallow_profile_block {
    uint8_t magic[4]; /* MALLOW_PROFILE_MAGIC, without the zero */
    /* CRC-32 (IEEE 802.3, as in zlib) of `length`, `type` and the bytes that follow. */
    uint8_t checksum[4];
    uint8_t length[3]; /* of the bytes that follow this structure */
    uint8_t type;      /* enum mallow_profile_type */
};

/* PROCESS: numbers for these members; the number of bytes of the program's path, and the path; the
 * number of steps, and for each step two numbers: how many size classes it has, and by how many
 * bytes each of them is larger than the class before it. */
struct mallow_profile_process {
    uint32_t version;    /* MALLOW_PROFILE_VERSION */
    uint32_t pid, ppid;  /* in the PID namespace of the process */
    uint64_t started;    /* when the section was begun */
    uint64_t started_at; /* the same moment in nanoseconds since 1970 (CLOCK_REALTIME) */
    uint64_t rate;       /* mean bytes between samples */
    uint32_t page_bytes;
    uint16_t machine;       /* e_machine of ELF: the processor */
    uint16_t address_bytes; /* 4 or 8 */
    uint32_t
        sections; /* sections that this process has written before: programs that it executed */
};

#define MALLOW_PROFILE_SHARED_MAX 255 /* of mallow_profile_module.shared */

/* MODULES: records of executable mappings. They contain the code of nodes of the same snapshot or
 * of earlier ones. A module replaces those that it overlaps.
 *
 * A record has the difference of `start` from the end of the previous module, and numbers for `end`
 * - `start` and the other members. The build ID follows, and then the rest of the path. */
struct mallow_profile_module {
    uint64_t start, end; /* addresses */
    uint64_t offset;     /* of the start, in the file */
    uint32_t id_bytes;   /* of the build ID; 0: unknown */
    uint32_t shared;     /* bytes at the beginning of the path that the previous path has, too */
    uint32_t path_bytes; /* of the rest of the path */
};

/* STACKS: nodes of the tree of stacks. A node's number never changes its meaning within a section,
 * and its caller has been described before. The outermost frame has the caller 0.
 *
 * All members are differences; that of `caller` is from the `node` of the previous record. */
struct mallow_profile_node {
    uint32_t node, caller;
    uint64_t pc; /* a return address: the call ends at the byte before it */
};

/* THREADS: the number of the thread, the number of bytes of the name, and the name. */
struct mallow_profile_thread {
    uint32_t thread; /* its ID, as gettid() returns it */
    char name[16];   /* when it was first seen; not ended by a zero if all 16 bytes are used */
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

/* SNAPSHOT: numbers for these members, with `time` less `started` of PROCESS; then the number of
 * size classes, and for each of them the number of its live blocks. Further classes have none.
 *
 * All figures here are exact. Sizes are those of the slots and page runs, which requests are
 * rounded up to. */
struct mallow_profile_snapshot {
    uint32_t reason;
    uint64_t time;
    uint64_t resident_bytes; /* 0: unknown */
    uint64_t live_blocks, live_bytes;
    uint64_t large_blocks, large_bytes; /* those of them that are too large for a slot */
    uint64_t heap_bytes, metadata_bytes;
    uint64_t samples_lost; /* samples that could not be recorded */
};

/* Sums over the allocations of one stack. All figures except `samples` are estimates (see above).
 *
 * A sum has the number of `samples`, an estimate of `blocks`, the rounded number of `bytes`, and
 * an estimate of `variance`. For large blocks, `blocks` is `samples` and `variance` is 0, and both
 * are left out. */
struct mallow_profile_sum {
    uint64_t samples;
    double blocks, bytes;
    double variance; /* of bytes */
};

#define MALLOW_PROFILE_LIFETIMES 8 /* < 1 ms, < 10 ms, ..., < 1000 s, longer */

/* SITES: a record replaces the earlier one for the same node and kind.
 *
 * A record has the number 2 * n + `large`, where n is the number that the difference of `node` is
 * written as; a number whose bits say which other members follow (enum mallow_profile_parts); and
 * these members in the order of the bits: sums, a rounded number for `peak_bytes`, and estimates
 * for `freed`. */
struct mallow_profile_site {
    uint32_t node;
    uint32_t large; /* 1: blocks that are too large for a slot, all of which are recorded */
    struct mallow_profile_sum allocated; /* since the section began */
    struct mallow_profile_sum live;
    double peak_bytes;                      /* the highest live.bytes */
    double freed[MALLOW_PROFILE_LIFETIMES]; /* freed blocks, by how long they lived */
    struct mallow_profile_sum inherited; /* the part of `live` that was allocated before a fork */
};

/* Members without a bit are zero. Without MALLOW_PROFILE_PEAK, the peak is live.bytes. */
enum mallow_profile_parts {
    MALLOW_PROFILE_ALLOCATED = 1,
    MALLOW_PROFILE_SOME_LIVE = 2,
    MALLOW_PROFILE_ALL_LIVE = 4, /* `live` is the same as `allocated`, and does not follow */
    MALLOW_PROFILE_INHERITED = 8,
    MALLOW_PROFILE_PEAK = 16,
    MALLOW_PROFILE_FREED = 32, /* freed[0]; the bits above it are for the others */
};

/* LIVE: records of all live samples.
 *
 * A record has the number 8 * n + `lost` + 2 * `large` + 4 * `inherited`, where n is the number
 * that the difference of `node` is written as; the difference of `address`; the number `bytes`; an
 * estimate of `blocks`, unless the block is large; and the differences of `time` and `thread`. In
 * the first record of a block, these two are differences from `started` and `pid` of PROCESS. */
struct mallow_profile_live {
    uint64_t address;
    uint64_t bytes; /* that the program requested */
    double blocks;  /* that this sample represents: 1 / p */
    uint64_t time;  /* of the allocation */
    uint32_t node;
    uint32_t thread;    /* that allocated it */
    uint32_t lost;      /* 1: no pointer leads to the block; 0: not known */
    uint32_t large;     /* as in SITES */
    uint32_t inherited; /* 1: allocated before a fork, by the parent */
};

/* PINNED: the free memory that the live blocks of a site keep from going back to the kernel,
 * because it lies in resident pages that contain live blocks. Each live block of a page accounts
 * for the same part of it. Sites that pin nothing have no record.
 *
 * A record has the number 2 * n + `large`, as in SITES, the rounded number of `bytes`, and an
 * estimate of `variance`. */
struct mallow_profile_pinned {
    uint32_t node, large; /* as in SITES */
    double bytes;         /* an estimate, whose variance follows */
    double variance;
};

/* SETTINGS: the settings that were given, in the environment or by mallopt(3). The others have
 * their defaults. A record has the number of bytes of the key, the key, the number of bytes of the
 * value, and the value. */

/* FILES: lines of the kernel's files that say what limits the memory of the process. A record has
 * the number of bytes of the path, the path, the number of bytes of the text, and the text. */

/* MAPPINGS: records of all mappings of the process, by address.
 *
 * A record has the difference of `start` from the end of the previous mapping, and these numbers:
 * `end` - `start`; `parts`; `offset`; the figures whose bits `parts` has, in the order of the bits,
 * in KiB; and `shared` and `path_bytes`, as in MODULES. The rest of the path follows. */
struct mallow_profile_mapping {
    uint64_t start, end; /* addresses */
    uint32_t parts;      /* enum mallow_profile_mapping_parts */
    uint64_t offset;     /* of the start, in the file */
    uint32_t shared;     /* as in MODULES, where mappings without a path do not count */
    uint32_t path_bytes; /* of the rest of the path; no path: anonymous memory */
};

enum mallow_profile_mapping_parts {
    MALLOW_PROFILE_READABLE = 1,
    MALLOW_PROFILE_WRITABLE = 2,
    MALLOW_PROFILE_EXECUTABLE = 4,
    MALLOW_PROFILE_SHARED = 8,
    MALLOW_PROFILE_MEASURED = 16,     /* figures without a bit are 0; otherwise they are unknown */
    MALLOW_PROFILE_RESIDENT = 32,     /* Rss of /proc/PID/smaps, and so on */
    MALLOW_PROFILE_PROPORTIONAL = 64, /* Pss */
    MALLOW_PROFILE_PRIVATE_CLEAN = 128,
    MALLOW_PROFILE_PRIVATE_DIRTY = 256,
    MALLOW_PROFILE_LAZY_FREE = 512,
    MALLOW_PROFILE_HUGE = 1024, /* AnonHugePages */
    MALLOW_PROFILE_SWAP = 2048,
    MALLOW_PROFILE_LOCKED = 4096,
};
#define MALLOW_PROFILE_MAPPING_FIGURES 8

/* RANGES: the parts of mappings that are the library's, in any order. A record has the difference
 * of the start from the end of the previous range, and numbers for the bytes and the use. */
enum mallow_profile_range_use {
    MALLOW_PROFILE_RANGE_HEAP = 1, /* slabs and runs of blocks */
    MALLOW_PROFILE_RANGE_METADATA,
    MALLOW_PROFILE_RANGE_GUARDED, /* blocks between guard pages */
    MALLOW_PROFILE_RANGE_PROFILE, /* samples, and what a profile says of them */
    MALLOW_PROFILE_RANGE_STACKS,  /* the stacks of blocks */
    MALLOW_PROFILE_RANGE_BLOCK,   /* a large block with a mapping of its own */
};

/* PAGES: what the pages of the heap contain, by address. A record has the difference of the start
 * from the end of the previous record, and the number 16 * pages + use. A page has 4,096 bytes.
 * In a heap of more than 256 MiB, one page in 2, 4, ... stands for those that follow it. */
enum mallow_profile_page_use {
    MALLOW_PROFILE_PAGE_BLOCK = 1, /* a block of whole pages */
    MALLOW_PROFILE_PAGE_FULL,      /* full of live blocks */
    MALLOW_PROFILE_PAGE_PARTIAL,   /* live blocks, and free memory between them */
    MALLOW_PROFILE_PAGE_EMPTY,     /* divided into blocks, none of which is live */
    MALLOW_PROFILE_PAGE_DIRTY,     /* free and used before */
    MALLOW_PROFILE_PAGE_CLEAN,     /* free and never used, or returned to the kernel */
    MALLOW_PROFILE_PAGE_FOREIGN,   /* mapped by other code */
    MALLOW_PROFILE_PAGE_UNKNOWN,
};

/* DONE: no bytes. The snapshot is complete. */

#endif
