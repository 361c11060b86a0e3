/* A client of a process's control thread (mallow(7), control). */
#ifndef MALLOW_CONTROL_CLIENT_H
#define MALLOW_CONTROL_CLIENT_H

#include <stddef.h>
#include <sys/types.h>

/* Limits on an answer: the process that sends it may be hostile. */
struct control_limits {
    int seconds;  /* for the whole answer */
    size_t bytes; /* of the answer */
};

/* For what is answered at once. */
static const struct control_limits CONTROL_LIMITS_QUICK = {10, (size_t)16 << 20};

/* Sends a request, a line without its newline, and returns the answer, which the caller frees. The
 * answer has no control characters but newlines and tabs. Ends the command with a message when the
 * process refuses or breaks the terms. */
char *control_request(pid_t process, const char *request, struct control_limits limits);

#endif
