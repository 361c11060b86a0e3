/* The call stack that the thread was started with, as opposed to that of a coroutine or of a signal
 * handler. */
#ifndef MALLOW_OWN_STACK_H
#define MALLOW_OWN_STACK_H

#include <stdbool.h>

/* Returns true if the frame is certain to be gone because the caller runs in the function whose
 * frame is `running`: both are in the thread's own stack, and the frame is deeper. The frames are
 * addresses. Async-signal-safe. */
bool own_stack_has_left(const char *frame, const char *running);

#endif
