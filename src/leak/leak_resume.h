/*
 * System calls that the signal of a leak check interrupts. Those that SA_RESTART does not resume
 * end with EINTR, which a program without signal handlers may never have met; where all is known
 * that it takes, they are begun again as if nothing had been.
 */
#ifndef MALLOW_LEAK_RESUME_H
#define MALLOW_LEAK_RESUME_H

#include <stdbool.h>
#include <stdint.h>

/* What a thread sleeps in. */
struct leak_call {
    bool known;
    long number;
    uintptr_t stack_pointer, return_address;
};

/* Before it is signalled. */
struct leak_call leak_call_of(int thread);

/* Whether it may be waiting for the child of a vfork. */
bool leak_call_is_fork(const struct leak_call *call);

/* At the end of the signal's handler, whose ucontext_t this is. */
void leak_resume_call(const struct leak_call *call, void *context);

/* "/proc/self/task/THREAD/NAME" */
struct leak_path {
    char text[64];
};
struct leak_path leak_thread_path(int thread, const char *name);

#endif
