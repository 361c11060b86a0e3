/*
 * The library's own threads, for settings that need one. They block the program's signals, and they
 * end after the first thread has ended: if all threads of the program end by pthread_exit, the
 * process must still end with the last of them.
 */
#ifndef MALLOW_HELPER_THREAD_H
#define MALLOW_HELPER_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/numbers.h"

#define HELPER_STACK (64 * KIB)
#define HELPER_STACK_FOR_EXIT (256 * KIB) /* if the thread may end last: libc runs exit() in it */

/* Declares that the calling thread is the first one. Called at load time and in the child of a
 * fork. */
void helper_thread_first(void);

/* Returns true if the first thread has ended. */
bool helper_thread_orphaned(void);

/* Waits until the first thread has ended. */
void helper_thread_wait_for_first(void);

/* Starts a thread that calls run(NULL), and returns after it has begun. `stack` is the size of its
 * stack in bytes; if the thread-local variables leave no room in it, libc's usual size is used.
 * Returns false if there is no memory for the thread. */
bool helper_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *));

/* Sets the signal mask of the first thread, before the end of a helper that may be the last thread
 * of the process. */
void helper_thread_unblock_signals(void);

#endif
