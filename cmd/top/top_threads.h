/* The threads of a process, those in /proc and those of which samples are live. */
#ifndef MALLOW_TOP_THREADS_H
#define MALLOW_TOP_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct top_process;

struct top_thread {
    pid_t tid;
    char name[17];  /* contains no control characters */
    char state;     /* as in /proc/PID/task/TID/stat; '-': it has ended; '?': not read yet */
    double seconds; /* of processor time */
    size_t holder;  /* index of its samples + 1, or 0 */
};

struct top_threads {
    struct top_thread *list; /* sorted by thread ID */
    size_t count;
};

/* Looks which threads there are. */
void top_threads_update(struct top_process *process);

/* Reads the name, the state and the processor time of a thread. */
void top_threads_read(const struct top_process *process, struct top_thread *thread);

void top_threads_clear(struct top_threads *threads);

#endif
