/*
 * The statistics page of a process that runs on Mallow with control=on (mallow(7)): its figures in
 * shared memory, which other processes can read while it runs.
 *
 * A reader connects to the abstract socket "\0mallow.NAMESPACE.PID" and writes "page\n". Together
 * with the answer "ok\n", it receives a descriptor (SCM_RIGHTS) of a file with
 * sizeof(struct mallow_page) bytes or more, and maps it for reading. NAMESPACE is the inode of
 * /proc/PID/ns/pid. PID is the process ID in that namespace, which is the last one of NSpid in
 * /proc/PID/status. The figures are those of that moment; each "refresh\n" on a new connection,
 * answered by "ok\n", updates them.
 *
 * Any process can listen at that name, so a reader must identify the peer (SO_PEERCRED,
 * SO_PEERPIDFD). Before it maps the descriptor, it must also check that the file is large enough
 * (fstat) and cannot shrink (F_GET_SEALS returns F_SEAL_SHRINK), because reading beyond the end of
 * a file causes a SIGBUS.
 *
 * All numbers are in the byte order of the machine. Later versions only add fields at the end.
 */
#ifndef MALLOW_PAGE_H
#define MALLOW_PAGE_H

#include "mallow.h"

/* "\r\nmallow" in little-endian order. */
#define MALLOW_PAGE_MAGIC 0x776f6c6c616d0a0dull
#define MALLOW_PAGE_VERSION 1u

struct mallow_page {
    uint64_t magic;    /* MALLOW_PAGE_MAGIC */
    uint32_t version;  /* MALLOW_PAGE_VERSION */
    uint32_t size;     /* number of bytes in use */
    uint32_t pid;      /* of the process, in its own PID namespace */
    uint32_t reserved; /* 0 */
    uint64_t sequence; /* odd while the fields below are being written */
    int64_t updated;   /* time of the update, in nanoseconds of CLOCK_MONOTONIC */
    struct mallow_stats stats;
};

/* Copies a page that may be written at the same time. Returns 1. Returns 0 if the page has another
 * format, or if the writer does not complete its update because the process was stopped or has
 * ended. */
static inline int mallow_page_read(const struct mallow_page *page, struct mallow_page *copy) {
    int tries;
    for (tries = 0; tries < 1000000; tries++) {
        uint64_t sequence = __atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE);
        if (sequence % 2 != 0) continue;
        __builtin_memcpy(copy, page, sizeof *copy);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(&page->sequence, __ATOMIC_RELAXED) == sequence)
            return copy->magic == MALLOW_PAGE_MAGIC && copy->size >= sizeof *copy;
    }
    return 0;
}

/*
 * The call file: the allocations and frees of a process, counted call by call. The reader creates
 * it before it starts the process: a file of sizeof(struct mallow_call_file) bytes or more (a memfd
 * whose size is sealed), with `magic`, `version`, `size` and `pid` of the page filled in. The
 * process finds it by MALLOW_OPTIONS=stats=exit,stats_pid=PID,stats_page=PATH, maps it and counts
 * in it, so the counts remain however the process ends. When the process executes another program,
 * the counts start again at zero.
 *
 * The calls of a thread for slots are counted in a stripe of its own; all other calls are counted
 * in the page. mallow_call_file_sum() adds them up. While the process runs, and if it does not end
 * by exit(), the frees of a class are those until the thread's last look at it, which it takes
 * after at most 16 KiB of allocations. Threads beyond the number of stripes are counted when the
 * process exits.
 */
#define MALLOW_CALL_PAGE_MAGIC 0x6c61636c6c616d0aull /* "\nmallcal" */
#define MALLOW_CALL_PAGE_VERSION 3u
#define MALLOW_CALL_STRIPES 1024u

struct mallow_size_calls {
    uint64_t bytes; /* largest block size in the row; UINT64_MAX in the last row */
    uint64_t allocations, frees;
    uint64_t live_bytes;
};

struct mallow_call_page {
    uint64_t magic;
    uint32_t version;
    uint32_t size;
    uint32_t pid;
    uint32_t
        programs; /* number of programs that have counted here, each executed by the previous one */
    uint32_t ended; /* 1 if exit() ran to its end in the last program */
    /* The process that the last fork() created, or 0; its calls are not counted. UINT32_MAX: the
     * new process has not run yet. */
    uint32_t last_child;
    char program[16]; /* the name of the last program when it started (PR_GET_NAME) */
    uint64_t resident_bytes,
        resident_peak_bytes; /* when the process ended by exit() or an error; else 0 */
    uint64_t live_peak_bytes;
    uint64_t live_bytes;
    uint32_t row_count;
    uint32_t other_heap; /* 1 if the program's calls of malloc() do not reach Mallow */
    struct mallow_size_calls rows[MALLOW_STATS_CLASSES + 1]; /* sorted by size */
    uint32_t stripes;                                        /* number of stripes in use */
    uint32_t reserved;
};

/* A thread grants itself calls and looks again after these calls. */
struct mallow_class_calls {
    uint64_t granted; /* all calls that were ever granted */
    int64_t left;     /* those of them that were not made yet */
    uint64_t frees;
};

static inline uint64_t mallow_class_allocations(const struct mallow_class_calls *calls) {
    return calls->granted - (uint64_t)calls->left;
}

struct mallow_call_file {
    struct mallow_call_page page;
    /* For each row except the last. */
    struct mallow_class_calls stripes[MALLOW_CALL_STRIPES][MALLOW_STATS_CLASSES];
};

/* Copies the page and adds the stripes to the copy. */
static inline void mallow_call_file_sum(const struct mallow_call_file *file,
                                        struct mallow_call_page *sum) {
    uint32_t stripe, row;
    *sum = file->page;
    for (stripe = 0; stripe < sum->stripes && stripe < MALLOW_CALL_STRIPES; stripe++) {
        for (row = 0; row < MALLOW_STATS_CLASSES; row++) {
            uint64_t allocations = mallow_class_allocations(&file->stripes[stripe][row]);
            uint64_t frees = file->stripes[stripe][row].frees;
            sum->rows[row].allocations += allocations;
            sum->rows[row].frees += frees;
            sum->rows[row].live_bytes += (allocations - frees) * sum->rows[row].bytes;
        }
    }
}

#endif
