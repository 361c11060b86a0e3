/*
 * A lock for the special modes: guarded blocks, traces.
 *
 * Signals are blocked while it is held, so a handler that exits, jumps away or allocates never
 * finds it taken by its own thread. That takes two system calls; see open_lock.h for the others.
 * It is not held across fork.
 */
#ifndef MALLOW_LOCK_H
#define MALLOW_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

#include "os/os.h"

struct lock {
    _Atomic int word; /* 0 free, 1 taken, 2 taken and somebody sleeps */
    uint64_t mask;    /* the holder's signal mask */
};

/* Between two looks at a lock that is taken. */
static inline void spin_hint(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);

#endif
