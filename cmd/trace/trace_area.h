/* The memory that a recorded program shares with the command: src/trace/trace_layout.h. */
#ifndef MALLOW_TRACE_AREA_H
#define MALLOW_TRACE_AREA_H

#include <stdint.h>

#include "trace/trace_layout.h"

struct trace_area {
    struct trace_head *head;
    int fd;
    uint64_t tick, ns; /* the same moment in ticks and in nanoseconds of the monotonic clock */
    double ns_per_tick;
};

/* Creates the memory, or maps that of a running program. Ends the command if that is not possible.
 * The program may write anything into it, so nothing in it is trusted. */
struct trace_area *trace_area_create(uint32_t frames, enum trace_full full);
struct trace_area *trace_area_attach(int fd);

/* Says that the calling thread reads, until it ends or says that it does not. */
void trace_area_begin(struct trace_area *area);
void trace_area_end(struct trace_area *area);

/* Compares the two clocks, and returns the time in ticks. */
uint64_t trace_area_tick(struct trace_area *area);

/* Returns a record's time in nanoseconds of the monotonic clock. */
uint64_t trace_area_ns(const struct trace_area *area, uint64_t record_head);

/* Returns a record's time in ticks. */
uint64_t trace_area_record_tick(const struct trace_area *area, uint64_t record_head);

/* Sleeps for at most `ns` nanoseconds, or until a program needs the command. */
void trace_area_sleep(struct trace_area *area, long ns);

/* Wakes the thread that waits for room in the ring. */
void trace_area_wake(struct trace_ring *ring);

#endif
