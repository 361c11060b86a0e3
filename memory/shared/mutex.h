/*
 * The lock of a heap: a robust mutex in the image. If a process is killed while it has the lock,
 * the kernel gives the lock to another one, which repairs the heap before it continues.
 *
 * The mutex names its owner by a thread ID. If a thread is killed while it waits, the kernel
 * compares the owner's ID with that of the thread. In different PID namespaces, two threads can
 * have the same ID, and the kernel would take the lock from the other thread. Therefore only
 * processes of one namespace can have a heap open for writing at the same time.
 */
#ifndef MALLOW_SHARED_MUTEX_H
#define MALLOW_SHARED_MUTEX_H

#include "shared/heap.h"

/* Locks the heap for a change by the public function `function`, and repairs it if necessary.
 * Returns MALLOW_OK, or the failure that it recorded: MALLOW_BUSY, MALLOW_DENIED (the heap is open
 * for reading only), or MALLOW_DAMAGED. */
enum mallow_result mutex_enter(struct heap *heap, const char *function);

/* Does the same for a function that changes nothing. A heap that is open for reading only takes no
 * lock, so other processes may change it during the function. */
enum mallow_result mutex_enter_to_read(struct heap *heap, const char *function);

void mutex_leave(struct heap *heap);

/* Creates a new mutex. No process may use the heap. Returns false and sets errno on failure. */
bool mutex_create(struct image_header *header);

/* Returns a number for the mutexes of this process. The lower half differs between versions of libc
 * whose mutexes differ. The upper half is the PID namespace. */
uint64_t mutex_kind(void);

#endif
