/* Events of a program that does not exist: the same ones for the same seed. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mallow/trace.h>

#define WORKLOAD_THREADS 6u
#define WORKLOAD_STACKS 200u

struct workload {
    uint64_t random, time, bump;
    uint32_t processes; /* the threads of a workload belong to the processes in turn */
    struct workload_block *live;
    size_t count, room, limit; /* the limit of live blocks */
    uint64_t freed[64];        /* addresses to use again */
    size_t freed_count;
};

struct workload_block {
    uint64_t address, size, event;
    uint32_t process;
    uint32_t stack;
};

/* Begins a workload with at most so many live blocks. */
struct workload workload_begin(uint64_t seed, uint32_t processes, size_t limit);
void workload_end(struct workload *workload);

/* Returns the next event, and updates the live blocks. */
struct mallow_trace_event workload_next(struct workload *workload, uint64_t number);

#endif
