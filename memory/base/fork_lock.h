/* A lock for rare work, which a signal handler and the child of a fork can take at any time. */
#ifndef MALLOW_FORK_LOCK_H
#define MALLOW_FORK_LOCK_H

#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>

/* The process whose thread holds the lock; 0 if it is free. If the number is that of another
 * process, a fork has copied it, and the holder does not exist in the child. It must be possible
 * for the child to do the work again from the start. */
typedef _Atomic pid_t fork_lock;

/* Takes the lock and blocks all signals, so that no handler waits for the thread that it
 * interrupts. Stores the previous signal mask. */
void fork_lock_take(fork_lock *lock, sigset_t *mask);

/* Restores the mask. */
void fork_lock_drop(fork_lock *lock, const sigset_t *mask);

#endif
