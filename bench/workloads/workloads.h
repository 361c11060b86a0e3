/* The workloads. Each performs about `steps` steps. */
#ifndef WORKLOADS_H
#define WORKLOADS_H

#include <stddef.h>

typedef void workload(size_t steps);

workload aligned, batch_fifo, batch_lifo, batch_mixed, batch_one_fifo, batch_one_lifo, batch_random,
    classes, coroutines, fragment, handoff, hash, huge, large, list, many_threads, pairs, producers,
    realloc_burst, realloc_large, realloc_small, replace, ring, server, small_heap, strings,
    succession_16, succession_2, thread_churn, tiny, tree, zeroed;

#endif
