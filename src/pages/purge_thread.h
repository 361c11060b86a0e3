/*
 * MALLOW_OPTIONS purge_thread=on: a thread that does what decay.c does on slow paths, for programs
 * that do nothing for long while they have much free memory.
 */
#ifndef MALLOW_PURGE_THREAD_H
#define MALLOW_PURGE_THREAD_H

#include <stdatomic.h>

#include "base/compiler.h"

extern _Atomic int purge_thread_asleep;

/* At load time and in the child of a fork. */
void purge_thread_start(void);

void purge_thread_wake_up(void);

/* From slow paths that leave memory free. */
ALWAYS_INLINE void purge_thread_wake(void) {
    if (unlikely(atomic_load_explicit(&purge_thread_asleep, memory_order_relaxed) != 0))
        purge_thread_wake_up();
}

#endif
