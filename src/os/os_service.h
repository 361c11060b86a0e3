/*
 * System services that only the control thread needs: sockets, and its own table of descriptors. As
 * in os.h, nothing here allocates or takes a lock, and only the return value reports the result;
 * but errno may change.
 */
#ifndef MALLOW_OS_SERVICE_H
#define MALLOW_OS_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Gives the calling thread an empty table of descriptors of its own. Returns false if refused. */
bool os_own_descriptors(void);

void os_name_thread(const char *name);

/* Returns a number that identifies the PID namespace, or 0 if it is unknown. */
uint64_t os_pid_namespace(void);

/* Create a socket with a name in the abstract namespace. `name` excludes the leading NUL byte. They
 * return a descriptor, or -1 if refused. os_connect and operations on its socket do not wait. */
int os_listen(const char *name, size_t length);
int os_connect(const char *name, size_t length);

/* Accepts a connection. Returns a descriptor whose operations do not wait, or -1. */
int os_accept(int listener);

/* Waits until `deadline` (a time of os_coarse_ns) for data. Returns the number of bytes received,
 * or 0 if no more will arrive. */
size_t os_receive(int fd, char *buffer, size_t bytes, int64_t deadline);

/* Sends all bytes, and a descriptor with the first byte if `passed` is not negative. Returns false
 * if not all were sent before `deadline`. */
bool os_send(int fd, const char *bytes, size_t count, int passed, int64_t deadline);

/* Creates zeroed shared memory that only this process may write and that its children do not
 * inherit. Other processes can map *fd. Returns NULL if refused. */
void *os_shared_memory(size_t bytes, int *fd);

#endif
