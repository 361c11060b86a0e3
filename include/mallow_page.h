/*
 * The statistics page of a process that runs on Mallow with control=on (mallow(7)): its figures in
 * shared memory, for other processes to read while it goes on.
 *
 * A reader connects to the abstract socket "\0mallow.PID", writes "page\n", and receives with the
 * answer "ok\n" a descriptor (SCM_RIGHTS) of sizeof(struct mallow_page) bytes or more, to be mapped
 * for reading. The figures are those of that moment; each "refresh\n" on a new connection, answered
 * by "ok\n", makes them new.
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

#endif
