/* The process at the other end of a socket, and its rights over this process. As in os.h, nothing
 * here allocates or takes a lock. May change errno; for the control thread only. */
#ifndef MALLOW_OS_PEER_H
#define MALLOW_OS_PEER_H

#include <stdbool.h>

/*
 * Returns true if the process at the other end, as it was when it connected, could read this
 * process's memory anyway:
 *  - root, unless it is known to lack CAP_SYS_PTRACE or to be in another user namespace;
 *  - a process whose user and group are the real, effective and saved ones of this process, and
 *    which has the same user namespace and at least the same capabilities, while this process is
 *    dumpable (PR_SET_DUMPABLE).
 * A user without an ID in this user namespace is never accepted. The kernel shows such a user as
 * the user "nobody", which is therefore accepted only if the namespace maps all IDs. If /proc does
 * not show the other process, only root is accepted.
 */
bool os_peer_may_read(int socket);

#endif
