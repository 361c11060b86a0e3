/*
 * Threads of the library's own, for settings that ask for one. They take no signals, and they end
 * when the thread that loaded the library does: a process whose threads all end by pthread_exit
 * must end with the last of the program's.
 */
#ifndef MALLOW_HELPER_THREAD_H
#define MALLOW_HELPER_THREAD_H

#include "config.h"

/* Called at load time and in the child of a fork: the calling thread is the first. */
void helper_thread_first(void);

/* Whether the first thread has ended. */
bool helper_thread_orphaned(void);

/* Starts `run` in a detached thread with a small stack; false when there is no memory for it. */
bool helper_thread_start(void *(*run)(void *));

#endif
