/*
 * The probe: a process that shows whether a signal was sent only to the command.
 *
 * A signal to the process group, or to each process of a control group, reaches both the command
 * and the program. A signal that is sent only to the command must be passed on to the program. The
 * kernel reports both in the same way. The command therefore has a second child, which belongs to
 * the same groups as the program and only receives signals: a signal that reaches this child has
 * also reached the program.
 */
#ifndef MALLOW_PROBE_H
#define MALLOW_PROBE_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#define PROBE_NAME "signal-probe"

struct probe_signal {
    int signal;
    pid_t sender;
};

/* Starts the probe, which inherits the caller's signal mask: `signals` must be blocked. The probe
 * sends SIGCHLD to this process whenever it has received one of them. Returns false if it cannot be
 * started. */
bool probe_start(const sigset_t *signals);

/* Takes the next signal that the probe has received from a process. Returns false if there is none.
 */
bool probe_take(struct probe_signal *received);

/* Makes the probe reply, after all signals that have reached it so far: probe_take() then returns
 * the signal PROBE_REPLY from this process. Returns false if the probe does not exist. */
#define PROBE_REPLY 0
bool probe_query(void);

void probe_stop(void);

#endif
