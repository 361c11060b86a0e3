/*
 * Threads of the library's own, for settings that ask for one. They take no signals, and they end
 * when the first thread does: a process whose threads all end by pthread_exit must end with the
 * last of the program's.
 */
#ifndef MALLOW_HELPER_THREAD_H
#define MALLOW_HELPER_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/numbers.h"

#define HELPER_STACK (64 * KIB)
#define HELPER_STACK_FOR_EXIT (256 * KIB) /* what may end last, in which libc runs exit() */

/* At load time and in the child of a fork: the calling thread is the first. */
void helper_thread_first(void);

/* Whether the first thread has ended; and waits until it has. */
bool helper_thread_orphaned(void);
void helper_thread_wait_for_first(void);

/* Starts `run` in a thread with a stack of `stack` bytes, or of libc's usual size if the
 * thread-local variables leave no room there, and returns when it runs; false when there is no
 * memory for it. */
bool helper_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *));

/* Before the end of a thread that may be the last: signals are taken as in the first thread. */
void helper_thread_unblock_signals(void);

#endif
