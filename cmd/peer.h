/* Identifies the process that listens at a socket. */
#ifndef MALLOW_PEER_H
#define MALLOW_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* True if that is the process: anybody can take a name in the abstract name space, and the number
 * of a process that has ended may be used again. */
bool peer_is(int socket, pid_t process);

#endif
