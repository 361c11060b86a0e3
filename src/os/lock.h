/*
 * The one lock of the slow paths: page heap, cold granules, mappings, registry of heaps.
 *
 * Signals are blocked while it is held, so a handler that interrupts an allocation and exits,
 * jumps away or allocates never finds it taken by its own thread. It is not held across fork: a
 * child whose parent's other thread held it starts with a fresh one and repairs (repair.c).
 */
#ifndef MALLOW_LOCK_H
#define MALLOW_LOCK_H

#include <stdatomic.h>

#include "os/os.h"

struct lock {
    _Atomic int word; /* 0 free, 1 taken, 2 taken and somebody sleeps */
    uint64_t mask;    /* the holder's signal mask */
};

extern struct lock global_lock;

/* Between two looks at a lock that is taken. */
static inline void spin_hint(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);

#endif
