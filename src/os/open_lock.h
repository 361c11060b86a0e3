/*
 * A lock that blocks no signals, for the slow paths of the default mode.
 *
 * A signal handler may interrupt the thread that holds it and allocate, jump away, fork, end the
 * thread, or return. So:
 *
 *   - The handler finds that its own thread holds the lock and is refused. Its caller works without
 *     the protected data, so no thread waits for itself.
 *   - The lock's word is the address of a mark on the holder's stack. While the holder may go on,
 *     no other code writes there. So a mark that is not what it was, or cannot be read, proves that
 *     the holder is gone, to its own thread and to every other: the next one that takes the lock
 *     repairs what it protects.
 *   - A thread that waits for more than a second is refused too. A holder that jumped away and left
 *     its mark intact costs other threads memory and time, but never blocks them.
 *
 * So the protected data must be repairable after every instruction (repair.c), as it must be in the
 * child of a fork. There, a lock that the forking thread holds stays with it, for the handler that
 * forked may return.
 */
#ifndef MALLOW_OPEN_LOCK_H
#define MALLOW_OPEN_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "os/frame_mark.h"

/* On the stack of a thread from before it takes a lock until after it has dropped it. */
struct lock_hold {
    struct frame_mark mark;
    uint64_t word;    /* what the lock's is, and what the mark says */
    uint64_t before;  /* what the thread's own note was */
    uint64_t signals; /* those that were blocked before, if they are now */
    bool taken_over;  /* from a holder that is gone */
};

/* A thread holds one lock of each kind, unless a handler takes another. */
enum lock_kind { VISIT_LOCK, TOUR_LOCK, COLD_LOCK, GLOBAL_LOCK, LOCK_KINDS };

struct open_lock {
    _Atomic uint64_t word;  /* 0: free; see open_lock.c */
    _Atomic uint64_t stuck; /* the word that was waited for in vain, or 0 */
    void (*repair)(void);   /* makes whole what a holder that is gone left in motion; or NULL */
    enum lock_kind kind;
};

/* Page heap, the allocator's own memory, registry of heaps. */
extern struct open_lock global_lock;

/* False when the lock cannot be had: the calling thread holds it, or another one does for ever. */
bool open_lock_take(struct open_lock *lock, struct lock_hold *hold);
void open_lock_drop(struct open_lock *lock, struct lock_hold *hold);

/* Like open_lock_take, without waiting. A lock that has no `repair` is not taken over. */
bool open_lock_try(struct open_lock *lock, struct lock_hold *hold);

/* Whether the last attempt of the thread to take a lock was refused. */
bool open_lock_was_refused(void);

/* Makes holders block signals, for modes that cannot work without the lock. */
void open_lock_block_signals(bool block);

/* Blocks them in such a mode, for what is done without a lock. */
uint64_t open_lock_hold_signals(void);
void open_lock_release_signals(uint64_t signals);

/* In the child of a fork: frees the lock if a thread has it that is not here; true if so. */
bool open_lock_after_fork(struct open_lock *lock);

/* Like open_lock_after_fork, but the next thread that takes the lock takes it over and repairs. */
void open_lock_lose(struct open_lock *lock);

/* In a signal handler: if the thread holds the lock, it gets the signal again when it has dropped
 * it. */
bool open_lock_defers(const struct open_lock *lock, int signal);

#endif
