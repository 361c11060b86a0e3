#include "os/lock.h"

#define SPINS 100

#ifdef MALLOW_ASSERTIONS
/* A value that no other thread has. */
static uintptr_t lock_self(void) {
    static __thread char mine __attribute__((tls_model("initial-exec")));
    return (uintptr_t)&mine;
}

bool lock_is_held(const struct lock *lock) {
    return atomic_load_explicit(&lock->word, memory_order_relaxed) != 0 &&
           atomic_load_explicit(&lock->holder, memory_order_relaxed) == lock_self();
}

static void lock_set_holder(struct lock *lock, uintptr_t holder) {
    atomic_store_explicit(&lock->holder, holder, memory_order_relaxed);
}
#else
#    define lock_set_holder(lock, holder) ((void)0)
#endif

void lock_take(struct lock *lock) {
    uint64_t mask = os_block_signals();
    int free = 0;
    for (int i = 0; i < SPINS; i++, free = 0) {
        if (atomic_compare_exchange_weak_explicit(&lock->word, &free, 1, memory_order_acquire,
                                                  memory_order_relaxed)) {
            lock->mask = mask;
            lock_set_holder(lock, lock_self());
            return;
        }
        spin_hint();
    }
    while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
        os_wait(&lock->word, 2);
    lock->mask = mask;
    lock_set_holder(lock, lock_self());
}

void lock_drop(struct lock *lock) {
    lock_assert_held(lock);
    lock_set_holder(lock, 0);
    uint64_t mask = lock->mask;
    if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
        os_wake_one(&lock->word);
    os_restore_signals(mask);
}
