/*
 * Stops the program's threads while a leak check copies the process. A signal stops each thread in
 * a handler, so that its registers are in memory and its stack does not change.
 */
#ifndef MALLOW_LEAK_THREADS_H
#define MALLOW_LEAK_THREADS_H

#include <stddef.h>
#include <stdint.h>

#include "leak/leak_resume.h"

enum leak_thread_state {
    THREAD_FOUND,
    THREAD_SIGNALLED,
    THREAD_STOPPED,
    THREAD_GONE,
    THREAD_MISSED, /* blocks the signal, or did not handle it in time */
    THREAD_OURS,   /* a thread of the library, without data of the program */
};

struct leak_thread {
    int number;
    _Atomic int state;
    const void *context; /* its ucontext_t, once stopped */
    uintptr_t pointer;   /* its thread pointer, once stopped */
    struct leak_call call;
};

struct leak_threads {
    struct leak_thread *list;
    size_t count, capacity, stopped, missed;
    int64_t begun; /* time when the first thread was stopped (os_exact_ns) */
};

/* Stops all threads except the calling one. Returns NULL, or the reason why that is impossible;
 * then no thread is stopped. Only one thread may call it at a time. */
const char *leak_threads_stop(struct leak_threads *threads);

/* Lets the threads continue. Returns the time for which they stood still, in nanoseconds. */
int64_t leak_threads_release(struct leak_threads *threads);

/* Frees the list of threads; called after leak_threads_release. */
void leak_threads_forget(struct leak_threads *threads);

/* In the child of a fork: resets the state, because no thread is stopped there. */
void leak_threads_after_fork(void);

static inline uintptr_t leak_thread_pointer(void) {
#if defined(__x86_64__)
    uintptr_t pointer;
    __asm__("mov %%fs:0, %0" : "=r"(pointer));
    return pointer;
#else
    return (uintptr_t)__builtin_thread_pointer();
#endif
}

#endif
