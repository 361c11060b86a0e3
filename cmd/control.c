#include "control.h"

#include <err.h>
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

#include "clock.h"
#include "command.h"
#include "peer.h"
#include "printable.h"
#include "proc.h"
#include "read_all.h"
#include "target.h"

/* ---- the connection ---- */

static int control_open_socket(int seconds) {
    struct timeval timeout = {.tv_sec = seconds};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) err(EXIT_OWN_FAILURE, "cannot create a socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout); /* connect, too */
    return fd;
}

/* Returns the inode of the process's PID namespace, or 0 if it is unknown. */
static unsigned long control_pid_namespace(pid_t process) {
    struct stat status;
    return stat(proc_path(process, "ns/pid").text, &status) == 0 ? status.st_ino : 0;
}

/* `number` is the process ID in the process's own PID namespace. */
static int control_connect_by_name(int fd, unsigned long namespace, long number) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "mallow.%lu.%ld",
                          namespace, number);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    return (int)TEMP_FAILURE_RETRY(connect(fd, (const struct sockaddr *)&address, bytes));
}

static int control_connect(pid_t process, int seconds) {
    int fd = control_open_socket(seconds);
    long number = proc_status_number(process, "NSpid:");
    /* A process without /proc does not know its namespace and uses 0. */
    if (control_connect_by_name(fd, control_pid_namespace(process), number) != 0 &&
        (errno != ECONNREFUSED || control_connect_by_name(fd, 0, number) != 0)) {
        int error = errno;
        target_require_same(process);
        errno = error;
        if (errno == ECONNREFUSED) target_explain_refusal(process);
        errno = errno == EAGAIN ? ETIMEDOUT : errno;
        err(EXIT_OWN_FAILURE, "process %d", (int)process);
    }
    if (!peer_is(fd, process))
        errx(EXIT_OWN_FAILURE, "the socket of process %d belongs to another process", (int)process);
    target_require_same(process);
    return fd;
}

static void control_send(int fd, const char *request) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s\n", request);
    /* A failure shows when the answer is read. */
    if (TEMP_FAILURE_RETRY(send(fd, line, (size_t)length, MSG_NOSIGNAL)) < 0) return;
}

/* ---- the answer ---- */

static char *control_receive(int fd, pid_t process, int64_t deadline, size_t limit) {
    char *answer;
    size_t length;
    enum read_end end = read_all(fd, deadline, limit, &answer, &length);
    if (end == READ_TOO_LONG)
        errx(EXIT_OWN_FAILURE, "the answer of process %d is longer than %zu MiB", (int)process,
             limit >> 20);
    if (end == READ_FAILED) err(EXIT_OWN_FAILURE, "process %d", (int)process);
    if (end == READ_LATE && length != 0)
        errx(EXIT_OWN_FAILURE, "process %d did not complete its answer in time", (int)process);
    if (length == 0)
        errx(EXIT_OWN_FAILURE, "process %d does not answer: it may be stopped or about to end",
             (int)process);
    make_printable(answer, length, "\n\t");
    return answer;
}

/* Receives the descriptor that comes with the first byte, and leaves that byte to be read. Stores
 * -1 if there is none. */
static void control_receive_descriptor(int fd, int *descriptor) {
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

/* Returns what follows the line "ok", in the same memory. */
static char *control_check(char *answer, pid_t process) {
    static const char ok[] = "ok\n", error[] = "error ";
    if (strncmp(answer, error, strlen(error)) == 0)
        errx(EXIT_OWN_FAILURE, "process %d refused the request: %.*s", (int)process,
             (int)strcspn(answer + strlen(error), "\n"), answer + strlen(error));
    if (strncmp(answer, ok, strlen(ok)) != 0)
        errx(EXIT_OWN_FAILURE, "process %d sent an answer that this version does not understand",
             (int)process);
    memmove(answer, answer + strlen(ok), strlen(answer + strlen(ok)) + 1);
    return answer;
}

/* Stores the descriptor unless `descriptor` is NULL. */
static char *control_request_any(pid_t process, const char *request, struct control_limits limits,
                                 int *descriptor) {
    int64_t deadline = clock_ms() + 1000 * (int64_t)limits.seconds;
    int fd = control_connect(process, limits.seconds);
    control_send(fd, request);
    if (descriptor != NULL) control_receive_descriptor(fd, descriptor);
    char *answer = control_receive(fd, process, deadline, limits.bytes);
    close(fd);
    return control_check(answer, process);
}

char *control_request(pid_t process, const char *request, struct control_limits limits) {
    return control_request_any(process, request, limits, NULL);
}

char *control_request_descriptor(pid_t process, const char *request, struct control_limits limits,
                                 int *descriptor) {
    char *answer = control_request_any(process, request, limits, descriptor);
    if (*descriptor < 0) errx(EXIT_OWN_FAILURE, "process %d passed no descriptor", (int)process);
    return answer;
}
