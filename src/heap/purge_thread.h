/*
 * MALLOW_OPTIONS purge_thread=on: a thread that does what decay.c does on slow paths, for programs
 * that do nothing for long while they have much free memory.
 */
#ifndef MALLOW_PURGE_THREAD_H
#define MALLOW_PURGE_THREAD_H

/* At load time and in the child of a fork. */
void purge_thread_start(void);

#endif
