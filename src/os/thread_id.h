/* Thread IDs. Thread-safe; keeps errno. */
#ifndef MALLOW_THREAD_ID_H
#define MALLOW_THREAD_ID_H

/* Returns the kernel's ID of the calling thread. Only a thread's first call makes a system call. */
int thread_id(void);

/* In the child of a fork: forgets the ID, because the thread has another one there. */
void thread_id_after_fork(void);

#endif
