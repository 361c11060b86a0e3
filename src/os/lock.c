#include "os/lock.h"

#define SPINS 100

void lock_take(struct lock *lock) {
    uint64_t mask = os_block_signals();
    int free = 0;
    for (int i = 0; i < SPINS; i++, free = 0) {
        if (atomic_compare_exchange_weak_explicit(&lock->word, &free, 1, memory_order_acquire,
                                                  memory_order_relaxed)) {
            lock->mask = mask;
            return;
        }
        spin_hint();
    }
    while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
        os_wait(&lock->word, 2);
    lock->mask = mask;
}

void lock_drop(struct lock *lock) {
    uint64_t mask = lock->mask;
    if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
        os_wake_one(&lock->word);
    os_restore_signals(mask);
}
