/* Decides which allocations are guarded: on average one in `settings.guard`. */
#ifndef MALLOW_GUARD_SAMPLE_H
#define MALLOW_GUARD_SAMPLE_H

#include <stdint.h>

/* Returns the number of the next allocation of a thread that is guarded, if its next allocation is
 * number 1. If `settings.guard` is 0, this number is never reached. `random` is the state of the
 * thread's generator; 0: it is seeded. */
int64_t guard_sample_interval(uint64_t *random);

#endif
