/* The workloads. Each performs about `steps` steps. */
#ifndef WORKLOADS_H
#define WORKLOADS_H

#include <stddef.h>

typedef void workload(size_t steps);

workload aligned, batch_fifo, batch_lifo, batch_random, fragment, handoff, hash, huge, large, list,
    many_threads, pairs, realloc_large, realloc_small, replace, ring, server, thread_churn, tiny,
    tree, zeroed;

#endif
