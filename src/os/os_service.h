/*
 * What of the operating system the control thread needs, and nobody else: sockets and descriptors
 * of its own. As in os.h nothing here allocates or takes a lock, and each function answers with its
 * return value; errno, the thread's own, may change.
 */
#ifndef MALLOW_OS_SERVICE_H
#define MALLOW_OS_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Gives the calling thread an empty table of descriptors, apart from the process's. */
bool os_own_descriptors(void);

void os_name_thread(const char *name);

/* A number that this PID namespace has and no other; 0 if it is not known. */
uint64_t os_pid_namespace(void);

/* Sockets with a name in the abstract name space, without its leading NUL. -1 when refused; neither
 * os_connect nor what is done with its socket waits, whoever listens there. */
int os_listen(const char *name, size_t length);
int os_connect(const char *name, size_t length);
int os_accept(int listener);

/* Waits until `deadline` (os_coarse_ns) for some bytes; how many came, 0 when no more will. */
size_t os_receive(int fd, char *buffer, size_t bytes, int64_t deadline);

/* Sends all, and with the first byte a descriptor, if `passed` is one; false when that takes longer
 * than `deadline`. */
bool os_send(int fd, const char *bytes, size_t count, int passed, int64_t deadline);

/* Shared memory that only this process may write, and none of its children has; *fd is for others
 * to map. NULL when refused. */
void *os_shared_memory(size_t bytes, int *fd);

#endif
