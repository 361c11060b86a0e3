/*
 * Resumes system calls that the signal of a leak check interrupts. Calls that SA_RESTART does not
 * resume fail with EINTR, which a program without signal handlers may not expect. If its arguments
 * are sufficient for that, such a call is started again as if it had not been interrupted.
 */
#ifndef MALLOW_LEAK_RESUME_H
#define MALLOW_LEAK_RESUME_H

#include <stdbool.h>
#include <stdint.h>

/* The system call in which a thread sleeps. */
struct leak_call {
    bool known;
    long number;
    uintptr_t stack_pointer, return_address;
};

/* Reads the system call of a thread; called before the thread is signalled. */
struct leak_call leak_call_of(int thread);

/* Returns true if the thread may be waiting for the child of a vfork. */
bool leak_call_is_fork(const struct leak_call *call);

/* Restarts the call if the signal has interrupted it; called at the end of the signal handler with
 * its ucontext_t. */
void leak_resume_call(const struct leak_call *call, void *context);

struct leak_path {
    char text[64];
};

/* Returns the path /proc/self/task/THREAD/NAME. */
struct leak_path leak_thread_path(int thread, const char *name);

#endif
