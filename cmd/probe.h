/*
 * A process that shows whether a signal was sent to more processes than this one.
 *
 * A signal to the process group, or to each process of a control group, reaches both the command
 * and the program; a signal to the command alone must be passed on to the program. The kernel
 * reports both alike. So the command has a second child, which is in the same groups as the program
 * and does nothing but receive signals: what reaches this one has reached the program too.
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

/* Starts the process, in which the signals must be blocked. It sends SIGCHLD to this process when
 * it has received one of them. Returns false when it cannot be started. */
bool probe_start(const sigset_t *signals);

/* Takes the next signal that the process has received from another one; false when there is none.
 */
bool probe_take(struct probe_signal *received);

/* Asks the process to answer, which it does after all signals that have reached it so far: a signal
 * PROBE_ANSWER from this process. Returns false when there is no such process. */
#define PROBE_REPLY 0
bool probe_query(void);

void probe_stop(void);

#endif
