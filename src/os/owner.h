/*
 * A thing that one thread owns until it gives it back or ends, however it ends: by return, by
 * cancellation, by the bare system call.
 *
 * That the owner has ended is found out by whoever wants the thing next, in one of three ways:
 *
 *   - The kernel has marked the word: the owner is a member of the thread's robust list, the one in
 *     which libc has its robust mutexes, and has their layout.
 *   - Who asks has the same place in memory as the owner had. This needs nothing of the kernel, and
 *     threads that come one after another have the same place.
 *   - The kernel is asked whether the thread exists. Only where threads have no list: a system call
 *     that libc does not need itself is not allowed everywhere.
 *
 * Nothing here blocks signals. A handler that jumps away from within one of these functions may
 * leave the thing with its thread, until that ends.
 */
#ifndef MALLOW_OWNER_H
#define MALLOW_OWNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct owner {
    _Atomic int thread;     /* its number, or the kernel's mark; 0: nobody's */
    _Atomic uint64_t place; /* of that thread; 0: it is not settled */
    void *unused;
    void *previous, *next; /* in the thread's list; pointers are to `next` */
};

/* The caller becomes the owner, if there is none that lives. */
bool owner_take(struct owner *owner);

/* From now on the thing can be taken when the owner ends; after owner_take. */
void owner_settle(struct owner *owner);

/* Gives it back, in two steps: between them it is nobody's to take, not even the caller's. */
void owner_unsettle(struct owner *owner);
void owner_drop(struct owner *owner);

/* Whether it is the caller's, and settled. */
bool owner_is_self(const struct owner *owner);

/* Whether there is no owner that lives; and waits until there is none. */
bool owner_has_ended(const struct owner *owner);
void owner_await_end(struct owner *owner);

/* In the child of a fork: nobody's. */
void owner_after_fork(struct owner *owner);

#endif
