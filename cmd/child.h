/* A child process that the command stands in for. */
#ifndef MALLOW_CHILD_H
#define MALLOW_CHILD_H

/* Forks; in the child calls start(argument), which executes the program and does not return.
 * Passes on every signal that is sent to this process and ends the child by default.
 * Returns the child's exit status, or 128 + N when signal N killed it. */
int child_run(void (*start)(const void *argument), const void *argument);

#endif
