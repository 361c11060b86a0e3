/* A preloaded library that stops before a chosen call: AT_CALL is the start of "FUNCTION ARGUMENT",
 * such as "fopen /proc/5/limits", and AT_COUNT says which of these calls. The library then opens
 * the FIFO AT_FIFO for writing, and waits until the FIFO "$AT_FIFO.back" is opened and closed. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Opens the FIFO, which waits for the other end, and reads to its end. */
static void at_call_meet(const char *path, int flags) {
    char byte;
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) abort();
    while ((flags & O_ACCMODE) == O_RDONLY && read(fd, &byte, 1) > 0) continue;
    close(fd);
}

/* Counts a call in a file, because calls in copies of the command count, too. */
static int at_call_count(const char *fifo) {
    char path[4096];
    snprintf(path, sizeof path, "%s.calls", fifo);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "", 1) != 1) abort();
    int count = (int)lseek(fd, 0, SEEK_END);
    close(fd);
    return count;
}

static void at_call(const char *function, const char *argument) {
    const char *wanted = getenv("AT_CALL"), *fifo = getenv("AT_FIFO"), *which = getenv("AT_COUNT");
    char call[4096], back[4096];
    if (wanted == NULL || fifo == NULL || which == NULL) return;
    snprintf(call, sizeof call, "%s %s", function, argument);
    if (strncmp(call, wanted, strlen(wanted)) != 0 || at_call_count(fifo) != atoi(which)) return;
    snprintf(back, sizeof back, "%s.back", fifo);
    at_call_meet(fifo, O_WRONLY);
    at_call_meet(back, O_RDONLY);
}

FILE *fopen(const char *path, const char *mode) {
    FILE *(*real)(const char *, const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "fopen");
    at_call("fopen", path);
    return real(path, mode);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    int (*real)(int, const struct sockaddr *, socklen_t);
    *(void **)&real = dlsym(RTLD_NEXT, "connect");
    at_call("connect", "");
    return real(fd, address, length);
}
