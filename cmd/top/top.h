/*
 * mallow top: what it knows of the processes that it watches.
 *
 * Data flow one way: top_loop.c asks the processes in rounds (top_process.c), which fills in the
 * figures below; the views (top_view.h) draw them on a sheet of cells (top_paper.h), which
 * top_screen.c shows in a terminal and top_plain.c prints.
 */
#ifndef MALLOW_TOP_H
#define MALLOW_TOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "mallow_page.h"
#include "profiles/profile.h"
#include "top/top_groups.h"
#include "top/top_history.h"
#include "top/top_sites.h"
#include "top/top_threads.h"

enum top_request { REQUEST_NONE, REQUEST_PAGE, REQUEST_REFRESH, REQUEST_PROFILE, REQUEST_SAMPLE };
enum top_sampling { SAMPLING_UNKNOWN, SAMPLING_OFF, SAMPLING_ON };

/* One sample for so many bytes is taken if this command turns sampling on. */
#define TOP_SAMPLE_BYTES 65536

struct top_process {
    pid_t pid;
    uint64_t started; /* as /proc/PID/stat has it */
    char *program;    /* the command line; contains no control characters */
    char name[64];    /* of the process */
    bool is_named;    /* by the user, so it stays in the list when it has ended */
    bool has_ended;
    bool does_answer; /* in the last round */
    char *reason;     /* why the last request failed, or NULL */

    /* Figures of the last answer, and of the one before. */
    bool has_figures, has_earlier;
    struct mallow_stats stats, earlier;
    int64_t time, earlier_time; /* clock_ms() */
    uint64_t resident, resident_earlier, resident_peak;
    uint64_t live_peak; /* the highest that was seen */
    struct top_history history;

    /* Samples. */
    enum top_sampling sampling;
    bool is_sampled_by_us; /* this command has turned sampling on */
    bool want_sampling_changed;
    struct profile *profile; /* the last one, or NULL */
    struct top_sites sites;
    struct top_names *names;
    struct top_threads threads; /* if a view shows them */

    /* Requests, of which one at a time is sent. */
    bool is_page_due, is_profile_due;
    enum top_request request;
    int socket;
    int64_t asked, next_page, next_profile;
    const struct mallow_page *page;
    int64_t page_updated;
};

struct top {
    struct top_process **list; /* sorted by PID */
    size_t count;
    struct top_process *current; /* that the views other than the list show, or NULL */
    bool finds_processes;        /* no PID was given: all processes of this user */
    struct top_groups groups;    /* of the current process */
    int64_t interval;            /* of the rounds in milliseconds */
    int64_t next_find, next_profile_of_others;
    bool is_paused, is_finished;
    bool is_patient;    /* what is shown must be complete: nothing is put off to save time */
    bool shows_threads; /* a view needs the threads in /proc */
    int64_t now;
};

/* Return the bytes and blocks that the program uses, including blocks with their own mapping. */
static inline uint64_t top_live_bytes(const struct mallow_stats *stats) {
    return stats->live_bytes + stats->mapping_bytes;
}
static inline uint64_t top_live_blocks(const struct mallow_stats *stats) {
    return stats->live_blocks + stats->mappings;
}

/* Returns the change per second between two figures of a process. */
double top_change(const struct top_process *process, uint64_t before, uint64_t after);

/* ---- the processes (top_process.c) ---- */

struct top_process *top_process_open(pid_t pid, bool is_named);
void top_process_close(struct top_process *process);

/* Sends the next request that is due, unless one is pending. */
void top_process_ask(struct top *top, struct top_process *process);

/* Receives the answer, which has begun. */
void top_process_receive(struct top *top, struct top_process *process);

/* Notices that the process has ended. */
void top_process_check(struct top_process *process);

/* Restores the former state of sampling, if this command has changed it. */
void top_process_restore(struct top_process *process);

/* ---- the list of processes (top_find.c) ---- */

/* Adds the processes of this user that listen, and removes those that have ended. */
void top_find(struct top *top);

void top_add(struct top *top, struct top_process *process);

/* ---- the rounds (top_loop.c) ---- */

struct top_front {
    int input;                        /* a descriptor to watch, or -1 */
    void (*show)(struct top *top);    /* called after each round */
    void (*read)(struct top *top);    /* called when there is input */
    void (*resize)(struct top *top);  /* called on SIGWINCH and SIGCONT */
    void (*suspend)(struct top *top); /* called on SIGTSTP */
    unsigned long rounds;             /* 0: without end */
};

/* Runs until top->is_finished, the last round, or a signal. Returns the signal's number or 0. */
int top_loop(struct top *top, const struct top_front *front);

#endif
