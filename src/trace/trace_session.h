/* Begins sessions (trace_state.h), also in forked processes. */
#ifndef MALLOW_TRACE_SESSION_H
#define MALLOW_TRACE_SESSION_H

#include <stdbool.h>

/* Begins a session. trace_open or trace_make comes first; otherwise it returns false. Only one
 * thread at a time may call it. */
bool trace_begin_session(void);

/* Called by the thread that forks. The child continues as another process. */
void trace_before_fork(void);
void trace_after_fork(void);

/* Waits until the command has read what this thread has recorded, for a second at most, if it
 * includes stacks: the command then looks at the process for the files that the stacks are in. */
void trace_flush(void);

#endif
