#include "control.h"

#include <err.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "command.h"
#include "target.h"

/* ---- the connection ---- */

static int open_socket(int seconds) {
    struct timeval patience = {.tv_sec = seconds};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) err(EXIT_OWN_FAILURE, "cannot make a socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); /* connect, too */
    return fd;
}

/* Anybody can take a name in the abstract name space. */
static void require_peer(int fd, pid_t process) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid == process) return;
    errx(EXIT_OWN_FAILURE, "another process than %d has its socket", (int)process);
}

static int connect_to(pid_t process, int seconds) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    /* Its own name space's number is the one that it has in its socket's name. */
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "mallow.%ld",
                          status_number(process, "NSpid:"));
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    int fd = open_socket(seconds);
    if (connect(fd, (const struct sockaddr *)&address, bytes) != 0) {
        if (errno == ECONNREFUSED) explain_refusal(process);
        errno = errno == EAGAIN ? ETIMEDOUT : errno;
        err(EXIT_OWN_FAILURE, "process %d", (int)process);
    }
    require_peer(fd, process);
    return fd;
}

static void send_line(int fd, const char *request) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s\n", request);
    /* A failure shows in the answer. */
    if (send(fd, line, (size_t)length, MSG_NOSIGNAL) < 0) return;
}

/* All until the end; NULL when it does not come in time. */
static char *read_all(int fd) {
    char *answer = NULL;
    size_t length;
    FILE *text = open_memstream(&answer, &length);
    if (text == NULL) err(EXIT_OWN_FAILURE, NULL);
    char piece[4096];
    ssize_t n;
    while ((n = recv(fd, piece, sizeof piece, 0)) > 0) fwrite(piece, 1, (size_t)n, text);
    if (fclose(text) != 0) err(EXIT_OWN_FAILURE, NULL);
    /* Reset: it did not want to read all of the request. */
    if (n == 0 || errno == ECONNRESET) return answer;
    free(answer);
    return NULL;
}

char *control_ask(pid_t process, const char *request, int seconds) {
    static const char ok[] = "ok\n", error[] = "error ";
    int fd = connect_to(process, seconds);
    send_line(fd, request);
    char *answer = read_all(fd);
    close(fd);
    if (answer == NULL || *answer == '\0')
        errx(EXIT_OWN_FAILURE, "process %d does not answer: it may be stopped, or ending",
             (int)process);
    if (strncmp(answer, error, strlen(error)) == 0)
        errx(EXIT_OWN_FAILURE, "process %d refuses: %.*s", (int)process,
             (int)strcspn(answer + strlen(error), "\n"), answer + strlen(error));
    if (strncmp(answer, ok, strlen(ok)) != 0)
        errx(EXIT_OWN_FAILURE, "process %d answers in a way this version does not know",
             (int)process);
    memmove(answer, answer + strlen(ok), strlen(answer + strlen(ok)) + 1);
    return answer;
}
