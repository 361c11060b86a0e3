/* Finds out when the process's memory is near a limit: that of its control group, or its own
 * (RLIMIT_AS, RLIMIT_DATA). Thread-safe. */
#ifndef MALLOW_PROFILE_LIMIT_H
#define MALLOW_PROFILE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the limits. */
void profile_limit_start(void);

/* Called for each sampled block, of `size` bytes. Returns true when the memory in use, including
 * this block, has reached 90 % of a limit, and again at 97 %; and so again after it was below 80 %.
 * It looks only after a good part of what was left may have been allocated, or if `look` is true,
 * so it usually costs a few instructions. */
bool profile_limit_reached(size_t size, bool look);

#endif
