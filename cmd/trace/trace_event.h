/* Turns the records of the rings (src/trace/trace_layout.h) into events of a trace. */
#ifndef MALLOW_TRACE_EVENT_H
#define MALLOW_TRACE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/trace_area.h"
#include "trace/trace_process.h"
#include "trace/trace_resize.h"

struct trace_events {
    struct trace_area *area;
    struct trace_processes processes;
    struct trace_resizes resizes;
    uint64_t start;        /* of the trace, in nanoseconds of the monotonic clock */
    uint64_t time;         /* of the last event, in nanoseconds since the start */
    uint64_t count;        /* of all records */
    int64_t fork_deadline; /* 0: no event waits for a forked process */
};

/* A ring's thread. */
struct trace_source {
    struct trace_process *process; /* NULL: none yet */
    uint32_t thread;               /* in the trace */
    pid_t tid;
    uint64_t words; /* of the ring that the process has used, up to all of them */
};

/* Learns of a process, if the record is the first of a ring of it. */
void trace_events_announce(struct trace_events *events, const uint64_t *words);

/* Takes a record. Returns false if it cannot be taken yet, because a process that it is about is
 * not known. */
bool trace_events_take(struct trace_events *events, struct trace_source *source,
                       const uint64_t *words);

/* Called when the thread has ended. */
void trace_events_end(struct trace_events *events, struct trace_source *source);

/* Adds events for the memory that the processes use. */
void trace_events_sample(struct trace_events *events);

/* Adds the end of the first process. */
void trace_events_exit(struct trace_events *events, int status);

#endif
