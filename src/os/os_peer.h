/* The process at the other end of a socket, and what it may do to this one. As in os.h nothing here
 * allocates or takes a lock. */
#ifndef MALLOW_OS_PEER_H
#define MALLOW_OS_PEER_H

#include <stdbool.h>

/*
 * True if the process at the other end, as it was when it connected, could read this process's
 * memory anyway:
 *  - root, unless it is known to have no CAP_SYS_PTRACE or to be in another user namespace;
 *  - a process whose user and group are the real, effective and saved ones of this process, which
 *    has the same user namespace and at least the same capabilities, while this process is
 *    dumpable (PR_SET_DUMPABLE).
 * A user that has no number in this user namespace is never accepted. Neither is a user that is
 * not root, if /proc does not show the other process.
 */
bool os_peer_may_read(int socket);

#endif
