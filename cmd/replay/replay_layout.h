/*
 * The memory that `mallow replay` shares with mallow-replay (cmd/player), which replays a trace on
 * one allocator.
 *
 * The command translates the trace into one list of operations for each thread and writes all of it
 * to a file in memory. mallow-replay maps the file and keeps everything else that it needs there,
 * too, so that the only anonymous memory of the process is that of the allocator, except for what a
 * process without events has (replay_run.h).
 *
 * The operations are divided into epochs. All threads end an epoch before the next one begins, so
 * that at the end of an epoch as much is allocated as at that time in the recorded program. Within
 * an epoch, threads wait for each other only where a block is handed over.
 */
#ifndef MALLOW_REPLAY_LAYOUT_H
#define MALLOW_REPLAY_LAYOUT_H

#include <stdint.h>

/* An operation is a word: the kind in 5 bits, the slot in 27, and the size in 32.
 * ALIGN, LARGE and FROM concern the next call of the thread. */
enum replay_op {
    REPLAY_JUMP, /* to the chunk with the number in `size` */
    REPLAY_MALLOC,
    REPLAY_CALLOC,
    REPLAY_REALLOC,
    REPLAY_FREE,
    REPLAY_FREE_SIZED,
    REPLAY_NEW,
    REPLAY_NEW_ARRAY,
    REPLAY_DELETE, /* size 0: unknown */
    REPLAY_DELETE_ARRAY,
    REPLAY_TRIM,  /* size: the argument */
    REPLAY_ALIGN, /* size: the alignment */
    REPLAY_LARGE, /* size: the upper half of its size */
    REPLAY_FROM,  /* size: the pages of the block that are not written because they were */
    REPLAY_WAIT,  /* until the thread with the number in `slot` has made `size` operations */
    REPLAY_BEGIN, /* wait for the beginning of the epoch in `size`, which counts from 1 here */
    REPLAY_END,   /* slot 0: of the epoch in `size`; slot 1: of the thread */
};

#define REPLAY_SLOT_MAX ((1u << 27) - 1)
#define REPLAY_CHUNK_WORDS 4096u

static inline uint64_t replay_word(enum replay_op op, uint32_t slot, uint32_t size) {
    return (uint64_t)size << 32 | (uint64_t)slot << 5 | (uint64_t)op;
}

static inline enum replay_op replay_word_op(uint64_t word) { return (enum replay_op)(word & 31); }
static inline uint32_t replay_word_slot(uint64_t word) { return (uint32_t)word >> 5; }
static inline uint32_t replay_word_size(uint64_t word) { return (uint32_t)(word >> 32); }

/* ---- times of calls ---- */

/* Buckets of 1/16 of a power of two: a time is known to 6 %. */
#define REPLAY_TIME_PARTS 16u
#define REPLAY_TIMES (REPLAY_TIME_PARTS * 44u)

static inline unsigned replay_time_bucket(uint64_t ticks) {
    if (ticks < REPLAY_TIME_PARTS) return (unsigned)ticks;
    unsigned shift = 59u - (unsigned)__builtin_clzll(ticks);
    unsigned bucket = shift * REPLAY_TIME_PARTS + (unsigned)(ticks >> shift);
    return bucket < REPLAY_TIMES ? bucket : REPLAY_TIMES - 1;
}

/* Returns the first number of ticks that is beyond the bucket. */
static inline uint64_t replay_time_end(unsigned bucket) {
    if (bucket < REPLAY_TIME_PARTS) return bucket + 1;
    unsigned shift = bucket / REPLAY_TIME_PARTS - 1;
    return (uint64_t)(bucket % REPLAY_TIME_PARTS + REPLAY_TIME_PARTS + 1) << shift;
}

/* ---- the file ---- */

struct replay_thread {
    uint64_t chunk;       /* the number of the first chunk */
    uint32_t first_epoch; /* the thread is created before it */
    uint32_t last_epoch;  /* the thread ends in it */
    /* Written by mallow-replay. */
    _Atomic uint64_t done __attribute__((aligned(64))); /* operations */
    uint64_t calls, call_ticks, touch_ticks, failed;
    uint32_t times[REPLAY_TIMES];
} __attribute__((aligned(64)));

struct replay_epoch {
    uint64_t time;               /* of its end, in nanoseconds since the first event */
    _Atomic uint32_t unfinished; /* threads other than the first that have operations in it */
    uint32_t number;             /* of threads that begin or end: 0: none */
    uint64_t resident;           /* anonymous bytes at its end; written by mallow-replay */
};

/* All of a block is written. */
#define REPLAY_WRITTEN_ALL 1024u

enum replay_pace { REPLAY_FAST, REPLAY_RECORDED };

struct replay_head {
    uint64_t bytes; /* of the file */
    uint64_t threads_at, epochs_at, slots_at, chunks_at;
    uint32_t threads, epochs, slots, chunks;
    uint32_t pace;
    uint32_t page_bytes;
    uint32_t written; /* of REPLAY_WRITTEN_ALL: the share of a block beyond its first page */
    /* Written by mallow-replay. */
    _Atomic uint32_t epoch; /* how many have begun */
    _Atomic uint32_t is_complete;
    uint64_t resident_first; /* anonymous bytes before the first operation */
    uint64_t resident_peak;  /* of the ends of epochs */
    uint64_t files;          /* resident bytes of files and shared memory at the end */
    uint64_t faults;         /* during the replay */
    uint64_t processor_ns, elapsed_ns;
    uint64_t clock_ns, clock_ticks; /* how long a tick takes */
    uint64_t overhead_ticks;        /* to read the clock */
    char provider[4096];            /* the file that defines malloc */
};

#endif
