/*
 * A lock for modes, such as guarded blocks and traces.
 *
 * The holder blocks all signals, so a handler that exits, jumps away or allocates never finds that
 * its own thread holds the lock. This costs two system calls; the default mode uses open_lock.h
 * instead. The lock is not recursive and is not held across fork.
 */
#ifndef MALLOW_LOCK_H
#define MALLOW_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "os/os.h"

struct lock {
    _Atomic int word; /* 0: free, 1: taken, 2: taken, and a thread sleeps */
    uint64_t mask;    /* the holder's signal mask */
#ifdef MALLOW_ASSERTIONS
    _Atomic uintptr_t holder; /* lock_self of that thread */
#endif
};

/* Slows down a loop that waits for a lock. */
static inline void spin_hint(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Blocks all signals and takes the lock, waiting without limit. */
void lock_take(struct lock *lock);

/* Frees the lock and restores the signal mask from before lock_take. */
void lock_drop(struct lock *lock);

/* True if the calling thread holds the lock. For assertions. */
bool lock_is_held(const struct lock *lock);
#define lock_assert_held(lock) MALLOW_ASSERT(lock_is_held(lock))

#endif
