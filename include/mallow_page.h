/*
 * The statistics page of a process that runs on Mallow with control=on (mallow(7)): its figures in
 * shared memory, for other processes to read while it goes on.
 *
 * A reader connects to the abstract socket "\0mallow.NAMESPACE.PID", writes "page\n", and receives
 * with the answer "ok\n" a descriptor (SCM_RIGHTS) of sizeof(struct mallow_page) bytes or more, to
 * be mapped for reading. NAMESPACE is the inode of /proc/PID/ns/pid, and PID the process's number
 * in that namespace (the last one of NSpid in /proc/PID/status). The figures are those of that
 * moment; each "refresh\n" on a new connection, answered by "ok\n", makes them new.
 *
 * Any process can listen at that name. So a reader must find out who does (SO_PEERCRED,
 * SO_PEERPIDFD), and before it maps the descriptor, that the file has so many bytes (fstat) and
 * cannot become shorter (F_GET_SEALS says F_SEAL_SHRINK): reading beyond the end of a file is
 * answered by SIGBUS.
 *
 * All numbers are in the byte order of the machine. Later versions only add to the end.
 */
#ifndef MALLOW_PAGE_H
#define MALLOW_PAGE_H

#include "mallow.h"

/* "\r\nmallow" where the lowest byte comes first. */
#define MALLOW_PAGE_MAGIC 0x776f6c6c616d0a0dull
#define MALLOW_PAGE_VERSION 1u

struct mallow_page {
    uint64_t magic;    /* MALLOW_PAGE_MAGIC */
    uint32_t version;  /* MALLOW_PAGE_VERSION */
    uint32_t size;     /* bytes of the page that are in use */
    uint32_t pid;      /* of the process, as it sees itself */
    uint32_t reserved; /* 0 */
    uint64_t sequence; /* odd while the rest is being written */
    int64_t updated;   /* when, in nanoseconds of CLOCK_MONOTONIC */
    struct mallow_stats stats;
};

/* Copies a page that may be written at the same time. Returns 1, or 0 when the writer stopped
 * halfway (the process was stopped or died) or the page is of another kind. */
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
 * The call page: what a process did with its memory, counted call by call. Its reader makes it,
 * before it starts the process: a file of sizeof(struct mallow_call_page) bytes or more (a memfd,
 * whose size is sealed), with `magic`, `version`, `size` and `pid` filled in. The process finds it
 * by MALLOW_OPTIONS=stats=exit,stats_pid=PID,stats_page=PATH, maps it and counts there, so that the
 * counts outlast it, however it ends. When it executes another program, the counts begin anew.
 */
#define MALLOW_CALL_PAGE_MAGIC 0x6c61636c6c616d0aull /* "\nmallcal" */
#define MALLOW_CALL_PAGE_VERSION 1u

struct mallow_size_calls {
    uint64_t bytes; /* the largest block of the row; UINT64_MAX in the last row */
    uint64_t allocations, frees;
    uint64_t live_bytes;
};

struct mallow_call_page {
    uint64_t magic;
    uint32_t version;
    uint32_t size;
    uint32_t pid;
    uint32_t programs;   /* that counted here, each executed by the one before; 0: none started */
    uint32_t ended;      /* 1: exit() ran to its end in the last one */
    uint32_t last_child; /* that fork() made, 0: none; its calls are not counted. UINT32_MAX: it has
                          * not run yet */
    char program[16];    /* the name of the last program when it started (PR_GET_NAME) */
    uint64_t resident_bytes, resident_peak_bytes; /* when it ended, by exit() or an error; else 0 */
    uint64_t live_peak_bytes;
    uint64_t live_bytes;
    uint32_t row_count;
    uint32_t other_heap; /* 1: the program's calls of malloc() do not reach Mallow */
    struct mallow_size_calls rows[MALLOW_STATS_CLASSES + 1]; /* smallest blocks first */
};

#endif
