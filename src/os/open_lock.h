/*
 * A lock that blocks no signals, for the slow paths of the default mode.
 *
 * A signal handler may interrupt the thread that holds the lock, and then allocate, jump away,
 * fork, end the thread, or return. Therefore:
 *
 *   - The handler finds that its own thread holds the lock and is refused. Its caller works without
 *     the protected data, so no thread waits for itself.
 *   - The lock's word contains the address of a mark on the holder's stack. While the holder may
 *     continue, no other code writes there. A mark that has changed or cannot be read therefore
 *     proves to every thread that the holder is gone. The next thread that takes the lock repairs
 *     the data that it protects.
 *   - A thread that waits for more than a second is refused too. A holder that jumped away and left
 *     its mark intact costs other threads memory and time, but never blocks them.
 *
 * The protected data must therefore be repairable after every instruction (repair.c), which the
 * child of a fork needs anyway. In the child, the forking thread keeps the locks that it holds,
 * because the handler that forked may return.
 */
#ifndef MALLOW_OPEN_LOCK_H
#define MALLOW_OPEN_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "os/frame_mark.h"

/* A thread keeps this on its stack from before it takes a lock until after it has dropped it. */
struct lock_hold {
    struct frame_mark mark;
    uint64_t word;    /* the word of the lock, which the mark contains too */
    uint64_t before;  /* the thread's previous open_lock_own_word of this kind */
    uint64_t signals; /* the previous signal mask, if signals are blocked now */
    bool taken_over;  /* from a holder that is gone */
};

/* A thread holds at most one lock of each kind, unless a signal handler takes another. */
enum lock_kind {
    VISIT_LOCK,
    TOUR_LOCK,
    SHARED_LOCK,
    GLOBAL_LOCK,
    SAMPLES_LOCK,
    SNAPSHOT_LOCK,
    GUARD_LOCK,
    LOCK_KINDS
};

struct open_lock {
    _Atomic uint64_t word;  /* 0: free; see open_lock.c */
    _Atomic uint64_t stuck; /* the word of a holder that a thread gave up on, or 0 */
    void (*repair)(void);   /* completes the changes of a holder that is gone; or NULL */
    enum lock_kind kind;
    bool interruptible; /* its holders never block signals, whatever open_lock_block_signals set */
};

/* Protects the page heap, the allocator's own memory and the registry of heaps. */
extern struct open_lock global_lock;

/* Takes the lock, waiting for a second at most. Returns false if the calling thread already holds
 * it, or if another thread does not drop it. Keeps errno; may be called in a signal handler. */
bool open_lock_take(struct open_lock *lock, struct lock_hold *hold);

/* Drops the lock, which the caller took with the same `hold`. */
void open_lock_drop(struct open_lock *lock, struct lock_hold *hold);

/* Like open_lock_take, but without waiting. A lock without `repair` is not taken over. */
bool open_lock_try(struct open_lock *lock, struct lock_hold *hold);

/* Returns true if the calling thread holds the lock, also if it took the lock in a function that a
 * signal handler has interrupted. For assertions. */
bool open_lock_is_held(const struct open_lock *lock);
#define open_lock_assert_held(lock) MALLOW_ASSERT(open_lock_is_held(lock))

/* Returns true if the calling thread's last open_lock_take was refused. */
bool open_lock_was_refused(void);

/* Sets whether holders block signals. Modes that cannot work without the lock need this. */
void open_lock_block_signals(bool block);

/* Blocks signals in such a mode, for work that is done without a lock. Returns the mask for
 * open_lock_release_signals. */
uint64_t open_lock_hold_signals(void);
void open_lock_release_signals(uint64_t signals);

/* In the child of a fork: if a thread that does not exist here holds the lock, frees it and returns
 * true. */
bool open_lock_after_fork(struct open_lock *lock);

/* Like open_lock_after_fork, but does not free the lock: the next thread that takes it takes it
 * over and repairs its data. */
void open_lock_lose(struct open_lock *lock);

/* In a signal handler: if the calling thread holds the lock, makes open_lock_drop raise the signal
 * again, and returns true. */
bool open_lock_defers(const struct open_lock *lock, int signal);

#endif
