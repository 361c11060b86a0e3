/*
 * The lock of a heap: a robust mutex in the image. If a process is killed while it has the lock,
 * the kernel gives the lock to another one, which repairs the heap before it goes on.
 *
 * The mutex names its owner by a thread ID. Threads of different PID namespaces can have the same
 * ID. This does no harm: the kernel looks for the mutexes of a dead thread in the list of that
 * thread, and the mutex is of the type that does not compare its owner with the caller.
 */
#ifndef MALLOW_SHARED_MUTEX_H
#define MALLOW_SHARED_MUTEX_H

#include "shared/heap.h"

/* Locks the heap for a change by the public function `function`, and repairs it if necessary.
 * Returns MALLOW_OK, or the failure that it recorded: MALLOW_BUSY, MALLOW_DENIED (the heap is open
 * for reading only), or MALLOW_DAMAGED. */
enum mallow_result mutex_enter(struct heap *heap, const char *function);

/* Does the same for a function that changes nothing. A heap that is open for reading only has no
 * lock, so others may change it meanwhile. */
enum mallow_result mutex_enter_to_read(struct heap *heap, const char *function);

void mutex_leave(struct heap *heap);

/* Makes a new mutex. Nobody may use the heap. Returns false and sets errno on failure. */
bool mutex_create(struct image_header *header);

/* Returns a number that differs between versions of libc whose mutexes differ. */
uint64_t mutex_kind(void);

#endif
