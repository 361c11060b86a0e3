/*
 * Which signals to the command are passed on to the program, so that each reaches it once.
 *
 * - A signal from the kernel (a terminal's) goes to the whole process group: the program has it.
 * - A signal that another process has sent is passed on, unless the probe has received it from the
 *   same sender within FORWARD_PATIENCE_MS: then the sender means the program too (probe.h).
 */
#ifndef MALLOW_FORWARD_H
#define MALLOW_FORWARD_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

/* How long a sender may take to signal all processes one after another. That the probe takes its
 * time, on a busy machine, does no harm: it is asked. */
#define FORWARD_WINDOW_MS 300

/* The command has received a signal. */
void forward_arrived(const siginfo_t *info);

/* Before the program may take signals: passes on everything that has arrived so far. A signal that
 * the program has already is pending there, and is not doubled. */
void forward_all(pid_t program);

/* Passes on what has waited long enough. Returns for how many milliseconds there is nothing to do,
 * or -1: until the next signal. */
int forward_poll(pid_t program);

#endif
