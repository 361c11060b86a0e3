/* The threads that allocated samples, for the THREADS blocks of a profile. profile_lock must be
 * held, except where a function says otherwise. */
#ifndef MALLOW_PROFILE_THREADS_H
#define MALLOW_PROFILE_THREADS_H

#include <stddef.h>
#include <stdint.h>

#include "mallow_profile.h"
#include "profile/profile_table.h"

/* Remembers the calling thread, whose ID this is. */
void profile_threads_see(uint32_t thread);

/* Copies up to `max` threads after the number *next, which is 0 at first, and advances it. Returns
 * their count. Takes profile_lock itself. */
size_t profile_threads_read(uint32_t *next, struct mallow_profile_thread *threads, size_t max);

void profile_threads_repair(void);

/* Returns the table, for its memory (profile_memory.c). */
const struct table *profile_threads_memory(void);

#endif
