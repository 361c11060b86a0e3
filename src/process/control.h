/*
 * The control thread (control=on): answers other processes of the same user on a socket.
 *
 * It has a table of descriptors of its own, so the program never sees the socket, whatever
 * descriptors it closes or counts, and the thread holds nothing open that the program closed. It
 * blocks all signals but those of libc's own.
 *
 * A second thread, the guard, waits for the end of the program's first thread. A program that ends
 * its first thread ends when its last one does: libc counts threads for that, and runs exit() in
 * the last. With the control thread among them that would never be; and it could not be the one to
 * run exit(), which writes to the program's descriptors. So the guard, which has those, ends the
 * control thread when the first thread is gone, and then itself.
 */
#ifndef MALLOW_CONTROL_H
#define MALLOW_CONTROL_H

/* In the first thread (helper_thread.h). What cannot be had is done without. */
void control_start(void);

/* In the child of a fork: nothing is there any more of what was started. */
void control_after_fork(void);

#endif
