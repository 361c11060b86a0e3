/* The call stack that the thread started with. The stacks of coroutines and of sigaltstack(2) are
 * different stacks. */
#ifndef MALLOW_OWN_STACK_H
#define MALLOW_OWN_STACK_H

#include <stdbool.h>

/* Returns true if the function that had the frame `frame` has certainly been left: both frames are
 * in the thread's own stack, and `frame` is at a lower address than `running`, a frame of the
 * caller. Async-signal-safe. */
bool own_stack_has_left(const char *frame, const char *running);

#endif
