#include "control/control_call.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/read_all.h"
#include "common/xalloc.h"
#include "control/peer.h"
#include "control/target.h"
#include "proc/proc.h"

/* ---- the connection ---- */

static int control_call_open(int seconds) {
    struct timeval timeout = {.tv_sec = seconds};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout); /* connect, too */
    return fd;
}

/* Returns the inode of the process's PID namespace, or 0 if it is unknown. */
static unsigned long control_call_namespace(pid_t process) {
    struct stat status;
    return stat(proc_path(process, "ns/pid").text, &status) == 0 ? status.st_ino : 0;
}

/* `number` is the process ID in the process's own PID namespace. */
static int control_call_connect_by_name(int fd, unsigned long namespace, long number) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "mallow.%lu.%ld",
                          namespace, number);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    return (int)TEMP_FAILURE_RETRY(connect(fd, (const struct sockaddr *)&address, bytes));
}

/* A process without /proc does not know its namespace and uses 0. */
static bool control_call_connects(int fd, pid_t process) {
    long number = proc_status_number(process, "NSpid:");
    return control_call_connect_by_name(fd, control_call_namespace(process), number) == 0 ||
           (errno == ECONNREFUSED && control_call_connect_by_name(fd, 0, number) == 0);
}

static char *control_call_error(pid_t process, int error) {
    return xasprintf("process %d: %s", (int)process, strerror(error == EAGAIN ? ETIMEDOUT : error));
}

static char *control_call_connect(int fd, pid_t process) {
    if (!control_call_connects(fd, process)) {
        int error = errno;
        char *reason = target_change(process);
        if (reason != NULL) return reason;
        if (error == ECONNREFUSED) return target_refusal(process);
        return control_call_error(process, error);
    }
    if (!peer_is(fd, process))
        return xasprintf("the socket of process %d belongs to another process", (int)process);
    return target_change(process);
}

char *control_call_begin(pid_t process, const char *request, int seconds, int *socket) {
    char line[64];
    int fd = control_call_open(seconds);
    *socket = -1;
    if (fd < 0) return xasprintf("cannot create a socket: %s", strerror(errno));
    char *reason = control_call_connect(fd, process);
    if (reason != NULL) {
        close(fd);
        return reason;
    }
    int length = snprintf(line, sizeof line, "%s\n", request);
    /* A failure shows when the answer is read. */
    (void)!TEMP_FAILURE_RETRY(send(fd, line, (size_t)length, MSG_NOSIGNAL));
    *socket = fd;
    return NULL;
}

/* ---- the answer ---- */

/* Receives the descriptor that comes with the first byte, and leaves that byte to be read. Stores
 * -1 if there is none. */
static void control_call_receive_descriptor(int fd, int *descriptor) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } passed = {.space = {0}};
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = sizeof passed};
    *descriptor = -1;
    ssize_t n = TEMP_FAILURE_RETRY(recvmsg(fd, &message, MSG_PEEK | MSG_CMSG_CLOEXEC));
    const struct cmsghdr *header = n <= 0 ? NULL : CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof *descriptor))
        memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
}

/* Reads until the end. Returns NULL or the reason for a failure. */
static char *control_call_read(int fd, pid_t process, int64_t deadline, size_t limit, char **answer,
                               size_t *length) {
    enum read_end end = read_all(fd, deadline, limit, answer, length);
    if (end == READ_TOO_LONG)
        return xasprintf("the answer of process %d is longer than %zu MiB", (int)process,
                         limit >> 20);
    if (end == READ_FAILED) return control_call_error(process, errno);
    if (end == READ_LATE && *length != 0)
        return xasprintf("process %d did not complete its answer in time", (int)process);
    if (*length == 0)
        return xasprintf("process %d does not answer: it may be stopped or about to end",
                         (int)process);
    return NULL;
}

/* Removes the line "ok". Returns the reason if there is none. */
static char *control_call_check(char *answer, pid_t process) {
    static const char ok[] = "ok\n", error[] = "error ";
    if (strncmp(answer, error, strlen(error)) == 0)
        return xasprintf("process %d refused the request: %.*s", (int)process,
                         (int)strcspn(answer + strlen(error), "\n"), answer + strlen(error));
    if (strncmp(answer, ok, strlen(ok)) != 0)
        return xasprintf("process %d sent an answer that this version does not understand",
                         (int)process);
    memmove(answer, answer + strlen(ok), strlen(answer + strlen(ok)) + 1);
    return NULL;
}

/* The deadline is for the whole answer. */
static char *control_call_receive(int socket, pid_t process, int64_t deadline, size_t limit,
                                  int *descriptor, char **answer) {
    size_t length;
    int passed = -1;
    if (descriptor != NULL) control_call_receive_descriptor(socket, &passed);
    char *reason = control_call_read(socket, process, deadline, limit, answer, &length);
    close(socket);
    if (reason == NULL) {
        make_printable(*answer, length, "\n\t");
        reason = control_call_check(*answer, process);
    }
    if (reason != NULL) {
        free(*answer);
        *answer = NULL;
        if (passed >= 0) close(passed);
    } else if (descriptor != NULL) {
        *descriptor = passed;
    }
    return reason;
}

static int64_t control_call_deadline(struct control_limits limits) {
    return clock_ms() + 1000 * (int64_t)limits.seconds;
}

char *control_call_end(int socket, pid_t process, struct control_limits limits, int *descriptor,
                       char **answer) {
    return control_call_receive(socket, process, control_call_deadline(limits), limits.bytes,
                                descriptor, answer);
}

char *control_call(pid_t process, const char *request, struct control_limits limits,
                   int *descriptor, char **answer) {
    int socket;
    int64_t deadline = control_call_deadline(limits);
    char *reason = control_call_begin(process, request, limits.seconds, &socket);
    if (socket < 0) return reason;
    return control_call_receive(socket, process, deadline, limits.bytes, descriptor, answer);
}
