/* The system calls for the handlers of signals. Tests make some of them fail. All functions are
 * async-signal-safe. */
#ifndef MALLOW_KERNEL_SIGNAL_H
#define MALLOW_KERNEL_SIGNAL_H

#include <signal.h>
#include <stdbool.h>

/* Stores the action of a signal in *before, and then sets *action. Either may be NULL. Returns
 * false and sets errno on failure. */
bool kernel_signal_action(int signal, const struct sigaction *action, struct sigaction *before);

/* Sends the calling thread a signal with these details. It arrives when it is not blocked. */
void kernel_signal_again(int signal, const siginfo_t *info);

#endif
