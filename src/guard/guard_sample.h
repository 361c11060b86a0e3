/* Decides which allocations are guarded: on average one in `settings.guard`. */
#ifndef MALLOW_GUARD_SAMPLE_H
#define MALLOW_GUARD_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/heap.h"

/* Returns true if the next allocation is to be guarded: on average, one in `settings.guard` is.
 * passed: the number of allocations since the last call. */
bool guard_sample_due(struct sample_countdown *sample, size_t passed);

#endif
