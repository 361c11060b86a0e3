/*
 * The control thread (control=on) answers requests from other processes on a socket.
 *
 * The thread has its own table of descriptors. The program therefore never sees the socket, even if
 * it closes or counts all its descriptors, and the thread keeps nothing open that the program has
 * closed. The thread blocks all signals except those that libc uses itself.
 *
 * A second thread, the guard, waits for the end of the program's first thread. If that thread ends
 * by pthread_exit, the process must end with its last thread, in which libc runs exit(). While the
 * control thread runs, this never happens. The control thread must not be the last thread either:
 * exit() writes to the program's descriptors, which are not in its table. The guard has these
 * descriptors. When the first thread has ended, the guard ends the control thread and then itself.
 */
#ifndef MALLOW_CONTROL_H
#define MALLOW_CONTROL_H

/* Starts both threads. Called in the first thread (helper_thread.h). If a thread cannot be started,
 * the process runs without the control thread. */
void control_start(void);

/* Called in the child of a fork, where neither thread exists. Resets the state. */
void control_after_fork(void);

#endif
