/*
 * The program's threads, while a leak check copies the process: they are stopped by a signal, in a
 * handler on their own stacks, so that their registers are in memory and their stacks stand still.
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
    THREAD_MISSED, /* blocks the signal, or does not get to it */
    THREAD_OURS,   /* the library's: has nothing of the program's */
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
    int64_t begun; /* when the first was stopped, os_exact_ns */
};

/* Stops all threads but the calling one. Returns NULL, or why that cannot be done; then none is. */
const char *leak_threads_stop(struct leak_threads *threads);

/* They go on. How long they stood, in nanoseconds. */
int64_t leak_threads_release(struct leak_threads *threads);

/* After that. */
void leak_threads_forget(struct leak_threads *threads);

/* In the child of a fork: none of its threads is stopped. */
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
