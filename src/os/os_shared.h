/* System calls for memory that several processes share. As in os.h, nothing here allocates, takes a
 * lock or changes errno. */
#ifndef MALLOW_OS_SHARED_H
#define MALLOW_OS_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Sets the length of a file in memory. Returns false if refused. */
bool os_set_length(int fd, size_t bytes);

/* Maps the first `bytes` of the file; other processes see changes at once. Returns NULL if refused.
 */
void *os_map_shared(int fd, size_t bytes);

/* Makes the pages read as zero in the child of a fork, in whatever way it is made. Kernels before
 * Linux 4.14 copy them. */
void os_clear_in_child(void *start, size_t bytes);

/* Wakes a thread of any process that sleeps in os_wait_for_kernel. */
void os_wake_shared(_Atomic int *word);

#endif
