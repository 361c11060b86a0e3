#include "common/read_all.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/xalloc.h"

/* Waits until data can be read. Returns false if the deadline passes first. */
static bool read_all_wait(int fd, int64_t deadline) {
    struct pollfd poll_for = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        int64_t left = deadline - clock_ms();
        ready = poll(&poll_for, 1, left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
    } while (ready < 0 && errno == EINTR);
    return ready != 0;
}

static enum read_end read_all_copy(int fd, int64_t deadline, size_t limit, FILE *to) {
    char piece[65536];
    for (size_t all = 0; all <= limit;) {
        if (!read_all_wait(fd, deadline) || clock_ms() > deadline) return READ_LATE;
        ssize_t n = read(fd, piece, sizeof piece);
        /* If the server closes the connection before it has read the whole request, the connection
         * is reset. */
        if (n == 0 || (n < 0 && errno == ECONNRESET)) return READ_COMPLETE;
        if (n < 0 && errno != EINTR && errno != EAGAIN) return READ_FAILED;
        if (n < 0) continue;
        size_t kept = (size_t)n > limit - all ? limit - all : (size_t)n;
        fwrite(piece, 1, kept, to);
        all += (size_t)n;
    }
    return READ_TOO_LONG;
}

enum read_end read_all(int fd, int64_t deadline, size_t limit, char **text, size_t *length) {
    FILE *to = xopen_memstream(text, length);
    enum read_end end = read_all_copy(fd, deadline, limit, to);
    int error = errno;
    xclose_memstream(to);
    errno = error;
    return end;
}
