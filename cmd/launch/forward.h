/*
 * Decides which signals sent to the command are passed on to the program, so that the program
 * receives each of them once.
 *
 * - A signal from the kernel, such as one that a terminal causes, goes to the whole process group,
 *   so the program has received it as well.
 * - A signal from another process is passed on, unless the probe receives it from the same sender
 *   within FORWARD_WINDOW_MS: then the sender has signalled the program as well (probe.h).
 */
#ifndef MALLOW_FORWARD_H
#define MALLOW_FORWARD_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

/* The time that a sender may take to signal all processes one after another. A probe that runs late
 * on a busy machine does no harm, because it is queried before a signal is passed on. */
#define FORWARD_WINDOW_MS 300

/* Records a signal that the command has received. */
void forward_arrived(const siginfo_t *info);

/* Passes on all signals that have arrived so far. Called while the program still blocks signals: if
 * the program has received one of them itself, it is pending there and the two become one. */
void forward_all(pid_t program);

/* Passes on the signals that are due. Returns the number of milliseconds after which it must be
 * called again, or -1 if nothing is due before the next signal. */
int forward_poll(pid_t program);

#endif
