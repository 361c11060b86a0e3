#include "os/owner.h"

#include <linux/futex.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "os/os.h"
#include "os/os_thread.h"

#define SECOND 1000000000ll

_Static_assert(offsetof(struct owner, previous) == 3 * sizeof(void *) &&
                   offsetof(struct owner, next) == 4 * sizeof(void *),
               "laid out as pthread_mutex_t");

/* ---- the thread's list ---- */

/* The lowest bit of a pointer in the list may be set, for mutexes that inherit priorities. */
static void **owner_previous_of(void *next_field) {
    return (void **)((uintptr_t)next_field & ~(uintptr_t)1) - 1;
}

static void **owner_next_of(void *next_field) {
    return (void **)((uintptr_t)next_field & ~(uintptr_t)1);
}

/* The kernel writes the words and reads the pointers, and libc does both. ThreadSanitizer sees
 * neither of them. */
#ifdef THREAD_SANITIZER
#    define NOT_SANITIZED __attribute__((no_sanitize("thread")))
#else
#    define NOT_SANITIZED
#endif

static bool owner_replace(void **at, void *before, void *after) {
    return __atomic_compare_exchange_n(at, &before, after, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

/* A signal handler may insert another owner meanwhile, before or after this one. */
NOT_SANITIZED static void owner_list_enter(struct owner *owner, void **head) {
    void *first;
    MALLOW_ASSERT(owner->previous == NULL);
    owner->previous = head;
    do {
        first = *head;
        owner->next = first;
        signal_order();
    } while (!owner_replace(head, first, &owner->next));
    *owner_previous_of(first) = &owner->next;
}

/* The number of owners that nested signal handlers may insert meanwhile. Each of them costs a
 * retry. */
#define ENTERED_MEANWHILE 3

NOT_SANITIZED static void owner_list_leave(struct owner *owner) {
    bool left = owner->previous == NULL;
    for (int tries = 0; !left && tries < ENTERED_MEANWHILE; tries++) {
        left = owner_replace(owner_next_of(owner->previous), &owner->next, owner->next);
        if (left) *owner_previous_of(owner->next) = owner->previous;
    }
    owner->previous = NULL;
}

/* ---- ownership ---- */

/* Combines the thread's place and ID, so that a later thread at the same place has another value.
 */
static uint64_t owner_settled_place(int thread) {
    return os_thread_place() ^ (uint64_t)(thread & FUTEX_TID_MASK) << 42;
}

static bool owner_is_free(const struct owner *owner, int word) {
    int thread = word & FUTEX_TID_MASK;
    if (thread == 0) return true;
    uint64_t place = atomic_load_explicit(&owner->place, memory_order_relaxed);
    bool same_place = place == owner_settled_place(thread);
    if (thread == os_thread_id())
        return place != 0 && !same_place; /* an earlier thread with the same ID */
    return same_place || os_thread_has_ended(thread);
}

bool owner_take(struct owner *owner) {
    int word = atomic_load_explicit(&owner->thread, memory_order_acquire);
    return owner_is_free(owner, word) &&
           atomic_compare_exchange_strong_explicit(&owner->thread, &word, os_thread_id(),
                                                   memory_order_acquire, memory_order_relaxed);
}

#ifdef MALLOW_ASSERTIONS
bool owner_is_taken_by_self(const struct owner *owner) {
    int word = atomic_load_explicit(&owner->thread, memory_order_relaxed);
    return (word & FUTEX_TID_MASK) == os_thread_id();
}
#endif

void owner_settle(struct owner *owner) {
    MALLOW_ASSERT(owner_is_taken_by_self(owner));
    owner->previous = NULL; /* the list of the previous owner's thread no longer exists */
    atomic_store_explicit(&owner->place, owner_settled_place(os_thread_id()), memory_order_relaxed);
    void **head = (void **)os_thread_list();
    if (head != NULL) owner_list_enter(owner, head);
}

void owner_unsettle(struct owner *owner) {
    MALLOW_ASSERT(owner_is_self(owner));
    atomic_store_explicit(&owner->place, 0, memory_order_relaxed);
    signal_order();
}

void owner_drop(struct owner *owner) {
    MALLOW_ASSERT(owner_is_taken_by_self(owner));
    owner_list_leave(owner);
    atomic_store_explicit(&owner->thread, 0, memory_order_release);
}

bool owner_is_self(const struct owner *owner) {
    int self = os_thread_id();
    return (atomic_load_explicit(&owner->thread, memory_order_relaxed) & FUTEX_TID_MASK) == self &&
           atomic_load_explicit(&owner->place, memory_order_relaxed) == owner_settled_place(self);
}

bool owner_has_ended(const struct owner *owner) {
    return owner_is_free(owner, atomic_load_explicit(&owner->thread, memory_order_acquire));
}

/* If the kernel does not mark the word, it is asked every second. */
void owner_await_end(struct owner *owner) {
    int64_t pause = os_thread_list() != NULL ? -1 : SECOND;
    for (int word; word = atomic_load_explicit(&owner->thread, memory_order_acquire),
                   !owner_is_free(owner, word);) {
        int awaited = word | (int)FUTEX_WAITERS;
        if (word == awaited ||
            atomic_compare_exchange_strong_explicit(&owner->thread, &word, awaited,
                                                    memory_order_relaxed, memory_order_relaxed))
            os_wait_for_kernel(&owner->thread, awaited, pause);
    }
}

void owner_after_fork(struct owner *owner) {
    owner->previous = NULL;
    atomic_store_explicit(&owner->place, 0, memory_order_relaxed);
    atomic_store_explicit(&owner->thread, 0, memory_order_relaxed);
}
