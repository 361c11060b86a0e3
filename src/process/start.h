/* What a fork needs of the library. */
#ifndef MALLOW_START_H
#define MALLOW_START_H

/* Registers the library's handlers for forks with libc. Called at most once. May allocate. */
void start_register_for_fork(void);

#endif
