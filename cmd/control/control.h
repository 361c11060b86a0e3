/* A client of the control thread of a process (mallow(7), CONTROL). */
#ifndef MALLOW_CONTROL_CLIENT_H
#define MALLOW_CONTROL_CLIENT_H

#include <stddef.h>
#include <sys/types.h>

/* Limits on an answer, because the process that sends it may be hostile. */
struct control_limits {
    int seconds;  /* for the whole answer */
    size_t bytes; /* size of the answer */
};

/* For requests that are answered immediately. */
static const struct control_limits CONTROL_LIMITS_QUICK = {10, (size_t)16 << 20};

/* Sends a request, which is a line without its newline, and returns the answer, which the caller
 * frees. The answer contains no control characters except newlines and tabs. Ends the command with
 * a message if the process refuses the request or exceeds the limits. */
char *control_request(pid_t process, const char *request, struct control_limits limits);

/* Does the same for a request that is answered with a descriptor, and stores the descriptor, which
 * the caller closes. Ends the command if the process passes none. */
char *control_request_descriptor(pid_t process, const char *request, struct control_limits limits,
                                 int *descriptor);

#endif
