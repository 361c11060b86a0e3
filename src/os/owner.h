/*
 * The ownership of an object by one thread, until the thread gives the object back or ends, in
 * whatever way it ends: by return, by cancellation or by a bare system call.
 *
 * The next thread that wants the object finds out that its owner has ended, in one of three ways:
 *
 *   - The kernel has marked the word. The struct owner is in the robust list of the owning thread,
 *     which libc uses for its robust mutexes, and has the layout of such a mutex.
 *   - The new thread has the same place in memory as the owner had. This needs no help from the
 *     kernel, and successive threads often have the same place.
 *   - The kernel reports that the thread does not exist. It is asked only if threads have no robust
 *     list, because sandboxes may forbid system calls that libc does not need itself.
 *
 * Nothing here blocks signals. If a handler jumps out of one of these functions, the object may
 * stay with its thread until the thread ends. All functions are thread-safe and keep errno.
 */
#ifndef MALLOW_OWNER_H
#define MALLOW_OWNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct owner {
    _Atomic int thread;     /* the owner's ID, or the kernel's mark; 0: not owned */
    _Atomic uint64_t place; /* identifies that thread; 0: not settled */
    void *unused;
    void *previous, *next; /* in the thread's list; pointers point to `next` */
};

/* Makes the calling thread the owner. Returns false if a living thread is the owner. */
bool owner_take(struct owner *owner);

/* Call it after owner_take. From then on, another thread can take the object when the owner ends.
 */
void owner_settle(struct owner *owner);

/* Gives the object back in two steps. Between them, no thread can take it, not even the caller. */
void owner_unsettle(struct owner *owner);
void owner_drop(struct owner *owner);

/* Returns true between owner_take and owner_drop. For assertions. */
bool owner_is_taken_by_self(const struct owner *owner);

/* Returns true if the calling thread is the owner and has settled. */
bool owner_is_self(const struct owner *owner);

/* Returns true if no living thread is the owner. */
bool owner_has_ended(const struct owner *owner);

/* Waits until no living thread is the owner. */
void owner_await_end(struct owner *owner);

/* In the child of a fork: makes the object not owned. */
void owner_after_fork(struct owner *owner);

#endif
