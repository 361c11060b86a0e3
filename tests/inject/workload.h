/* A workload that uses every part of the heap. Memory may run out at any moment. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>

/* Uses each part once, then makes random calls, and verifies each block that it touches. If
 * `may_fail`, allocations may be refused. Leaves blocks for the next run. */
void workload_run(bool may_fail);

/* Compares the allocator's statistics and records with the blocks of the workload. */
void workload_check_heap(void);

/* Frees all blocks. */
void workload_end(void);

#endif
