#include "control.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "arguments.h"
#include "command.h"

/* ---- /proc ---- */

static FILE *open_proc(pid_t process, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)process, name);
    return fopen(path, "re");
}

/* The last number of a line of /proc/PID/status, or -1. */
static long status_number(pid_t process, const char *field) {
    char line[1024];
    long number = -1;
    FILE *status = open_proc(process, "status");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, field, strlen(field)) != 0) continue;
        line[strcspn(line, "\n")] = '\0';
        char *last = strrchr(line, '\t');
        if (last != NULL) number = strtol(last, NULL, 10);
    }
    if (status != NULL) fclose(status);
    return number;
}

static bool is_same_namespace(pid_t process, const char *kind) {
    char own[64], other[64];
    struct stat a, b;
    snprintf(own, sizeof own, "/proc/self/ns/%s", kind);
    snprintf(other, sizeof other, "/proc/%d/ns/%s", (int)process, kind);
    return stat(own, &a) != 0 || stat(other, &b) != 0 || a.st_ino == b.st_ino;
}

enum library { LIBRARY_UNKNOWN, LIBRARY_ABSENT, LIBRARY_THERE };

static enum library find_library(pid_t process) {
    char line[PATH_MAX + 128];
    enum library found = LIBRARY_ABSENT;
    FILE *maps = open_proc(process, "maps");
    if (maps == NULL) return LIBRARY_UNKNOWN;
    while (fgets(line, sizeof line, maps) != NULL)
        if (strstr(line, "/libmallow.so") != NULL) found = LIBRARY_THERE;
    if (ferror(maps)) found = LIBRARY_UNKNOWN;
    fclose(maps);
    return found;
}

pid_t control_process(int argc, char **argv) {
    const char *operand = *operands(argc, argv, 1, 1, "PID");
    unsigned long number;
    if (!parse_number(operand, &number) || number == 0 || number > INT_MAX)
        usage_error("'%s' is not a process number", operand);
    pid_t process = (pid_t)number;
    long group = status_number(process, "Tgid:");
    if (group < 0) errx(EXIT_OWN_FAILURE, "there is no process %d", (int)process);
    if (group != process)
        errx(EXIT_OWN_FAILURE, "%d is a thread of process %ld: name that", (int)process, group);
    return process;
}

/* ---- why there is no answer ---- */

static _Noreturn void explain_refusal(pid_t process) {
    int number = (int)process;
    switch (find_library(process)) {
    case LIBRARY_UNKNOWN:
        errx(EXIT_OWN_FAILURE,
             "process %d does not answer, and may not be looked into:"
             " try as the user it runs as, or as root",
             number);
    case LIBRARY_ABSENT:
        errx(EXIT_OWN_FAILURE,
             "process %d does not run on Mallow, or is statically linked and was started"
             " without MALLOW_OPTIONS=control=on",
             number);
    case LIBRARY_THERE:
        break;
    }
    if (!is_same_namespace(process, "net"))
        errx(EXIT_OWN_FAILURE,
             "process %d is in another network name space: try 'nsenter -t %d -n mallow ...'",
             number, number);
    errx(EXIT_OWN_FAILURE,
         "process %d runs on Mallow, but nothing in it listens: start it by 'mallow run', or with"
         " MALLOW_OPTIONS=control=on",
         number);
}

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
