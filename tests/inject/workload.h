/* A program that uses every part of the heap, and expects memory to run out at any moment. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>

/* Does everything once, and some of it at random; every block is verified whenever it is touched.
 * `may_fail`: allocations may be refused. Leaves blocks behind, for the next run. */
void workload_run(bool may_fail);

/* Compares the allocator's figures and records with what the workload holds. */
void workload_check_heap(void);

/* Frees all blocks. */
void workload_end(void);

#endif
