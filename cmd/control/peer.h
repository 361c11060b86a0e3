/* Identifies the process that listens at a socket. */
#ifndef MALLOW_PEER_H
#define MALLOW_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* Returns true if the process at the other end of the socket is `process`, and still runs. Any
 * process can bind a name in the abstract namespace, and the ID of a process that has ended can be
 * reused. */
bool peer_is(int socket, pid_t process);

#endif
