/*
 * What libc and the kernel know of threads. libc's own copies are read where they can be found and
 * verified, so that no system call is needed: sandboxes allow few, and libc needs none either.
 */
#ifndef MALLOW_OS_THREAD_H
#define MALLOW_OS_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* Finds out what the functions below rely on. To be called before they are, and again when the
 * library is loaded: libc may not have been ready the first time. */
void os_thread_learn(void);

/* The kernel's number of the calling thread. */
int os_thread_id(void);

/* A number that no two living threads share; a thread may have that of one that has ended. */
uintptr_t os_thread_place(void);

/* The list that the kernel goes through when the calling thread ends: struct robust_list_head,
 * entries as libc lays them out. NULL where there is none, or not known where. */
struct robust_list_head;
struct robust_list_head *os_thread_list(void);

/* Whether a thread has ended, as far as the kernel tells. False where that cannot be asked, and
 * where it need not be because threads have lists. */
bool os_thread_has_ended(int thread);

#endif
