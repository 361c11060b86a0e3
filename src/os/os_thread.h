/*
 * Facts about threads that libc and the kernel know. libc's copies of these facts are read if they
 * can be found and verified. Reading them needs no system call, of which sandboxes allow only few.
 * Except for os_thread_learn, all functions may be called by any thread and in signal handlers.
 */
#ifndef MALLOW_OS_THREAD_H
#define MALLOW_OS_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* Finds the places that the functions below read. Must be called before they are, and again when
 * the library is loaded, because libc may not have been ready the first time. */
void os_thread_learn(void);

/* Returns the kernel's ID of the calling thread. */
int os_thread_id(void);

/* Stores the calling thread's name, which is not ended by a zero if it fills the array. */
void os_thread_name(char name[16]);

/* Returns a number that identifies the calling thread among the living threads. A later thread may
 * have the number of one that has ended. */
uintptr_t os_thread_place(void);

/* Returns the calling thread's robust list, which the kernel walks when the thread ends, with
 * entries in libc's layout. Returns NULL if there is none or its place is unknown. */
struct robust_list_head;
struct robust_list_head *os_thread_list(void);

/* Returns true if the kernel reports that a thread has ended. Returns false if the kernel cannot be
 * asked, or need not be because threads have robust lists. */
bool os_thread_has_ended(int thread);

#endif
