/*
 * The profile of this process: when sampling begins and ends, and when a snapshot is written
 * (mallow_profile.h). There is no helper thread: the threads whose allocations are sampled write
 * the snapshots.
 */
#ifndef MALLOW_SRC_PROFILE_H
#define MALLOW_SRC_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

/* Called at load time, after the options are read. Returns 0, or an error number if the file of the
 * profile cannot be opened. */
int profile_start(void);

/* Called at the end of an allocation that was sampled, without any lock. Writes a snapshot if one
 * is due, or if the memory is near its limit. `size`: the bytes of the block. */
void profile_tick(size_t size);

/* Write a snapshot with all live samples: the first time that there is no memory for an allocation,
 * and when a memory error was found. */
void profile_no_memory(void);
void profile_error(void);

/* Writes the last snapshot. Called before the process ends or executes another program. The process
 * goes on if it cannot execute it. May be called in a signal handler, and in a child of fork or
 * vfork. */
void profile_ends(void);

/* Changes settings.sample while the program runs; 0: sampling ends. Only one thread at a time may
 * call it. */
void profile_set_rate(size_t rate);

/* Writes a section with all sites and live samples and, if `whole` is true, with what describes the
 * whole process. Returns false if that failed. */
bool profile_write_to(int fd, bool whole);

/* Called in the child of a fork. */
void profile_after_fork(void);

/* Turns the sampling mode on or off in all threads, for settings.sample. If it is turned off, also
 * makes the heap forget which blocks were sampled (samples_forget_all). Defined in
 * process/hooks.c. */
extern void (*const profile_turn_mode)(bool on);

#endif
