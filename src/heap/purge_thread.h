/*
 * With purge_thread=on, a thread of the library does what otherwise slow paths do (decay.c). This
 * serves programs that are idle for long while they have much free memory.
 */
#ifndef MALLOW_PURGE_THREAD_H
#define MALLOW_PURGE_THREAD_H

/* Starts the thread, at load time and in the child of a fork. */
void purge_thread_start(void);

#endif
