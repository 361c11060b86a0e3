#include "control/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proc/proc.h"

#ifndef SO_PEERPIDFD
#    define SO_PEERPIDFD 77 /* since Linux 6.5 */
#endif

/* SO_PEERCRED reports the user that created the socket when the process started, and the process
 * may have changed its user since. */
static bool peer_is_owned_by(uid_t user, pid_t process) {
    char line[PROC_LINE_SIZE];
    unsigned ids[4];
    bool found = false;
    if (!proc_status_line(process, "Uid:", line) ||
        sscanf(line, "Uid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
        return false;
    for (int i = 0; i < 4; i++) found = found || ids[i] == user;
    return found;
}

/* The peer's pidfd becomes readable when the process that created the socket has ended. */
static bool peer_is_alive(int socket) {
    int process;
    socklen_t length = sizeof process;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &process, &length) != 0)
        return errno == ENOPROTOOPT;
    struct pollfd end = {process, POLLIN, 0};
    bool ended = poll(&end, 1, 0) != 0;
    close(process);
    return !ended;
}

bool peer_is(int socket, pid_t process) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           peer.pid == process && (peer.uid == 0 || peer_is_owned_by(peer.uid, process)) &&
           peer_is_alive(socket);
}
