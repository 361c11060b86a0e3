/* Decides which allocations are guarded: on average one in `settings.guard`. */
#ifndef MALLOW_GUARD_SAMPLE_H
#define MALLOW_GUARD_SAMPLE_H

#include <stdint.h>

#include "heap/heap.h"

/* Returns how many allocations of a thread are not guarded before the next one that is. If
 * `settings.guard` is 0, this number is never reached. */
int64_t guard_sample_interval(struct guard_sample *sample);

#endif
