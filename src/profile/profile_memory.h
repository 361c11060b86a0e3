/* The memory that samples and profiles take, for `mallow map`. */
#ifndef MALLOW_PROFILE_MEMORY_H
#define MALLOW_PROFILE_MEMORY_H

#include <stddef.h>

/* Calls `call` for each range of memory that was mapped for them. No lock is held, so a range may
 * be unmapped meanwhile. */
void profile_memory_each(void (*call)(void *to, const void *start, size_t bytes), void *to);

#endif
