/* The kernel's number of the calling thread, without a system call after the first. */
#ifndef MALLOW_THREAD_ID_H
#define MALLOW_THREAD_ID_H

int thread_id(void);

/* In the child of a fork, whose thread has another number. */
void thread_id_after_fork(void);

#endif
