/*
 * With purge_thread=on, a thread of the library does the work that slow paths do otherwise
 * (decay.c). This helps programs that are idle for a long time and have much free memory.
 */
#ifndef MALLOW_PURGE_THREAD_H
#define MALLOW_PURGE_THREAD_H

/* Starts the thread, at load time and in the child of a fork. */
void purge_thread_start(void);

#endif
