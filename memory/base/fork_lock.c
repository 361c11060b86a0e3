#include "base/fork_lock.h"

#include <sched.h>
#include <unistd.h>

#include "base/kernel.h"

void fork_lock_take(fork_lock *lock, sigset_t *mask) {
    kernel_block_signals(mask);
    pid_t self = getpid(), holder = 0;
    while (!atomic_compare_exchange_weak(lock, &holder, self))
        if (holder == self) {
            sched_yield();
            holder = 0;
        }
}

void fork_lock_drop(fork_lock *lock, const sigset_t *mask) {
    atomic_store(lock, 0);
    kernel_restore_signals(mask);
}
