/* Requests to the control thread of a process whose failure does not end the command. */
#ifndef MALLOW_CONTROL_CALL_H
#define MALLOW_CONTROL_CALL_H

#include <stdint.h>
#include <sys/types.h>

#include "control/control.h"

/* Connects to the process and sends the request, which is a line without its newline. Returns NULL
 * and stores a socket, which becomes readable when the process answers or ends. Otherwise, returns
 * the reason as a sentence, which the caller frees, and stores -1. Waits up to `seconds` if the
 * process has many clients. */
char *control_call_begin(pid_t process, const char *request, int seconds, int *socket);

/* Receives the answer and closes the socket. Returns NULL and stores the answer, which the caller
 * frees, as control_request() returns it. Stores the descriptor that came with it, or -1, unless
 * `descriptor` is NULL. Otherwise, returns the reason as a sentence, which the caller frees. */
char *control_call_end(int socket, pid_t process, struct control_limits limits, int *descriptor,
                       char **answer);

/* Does both. */
char *control_call(pid_t process, const char *request, struct control_limits limits,
                   int *descriptor, char **answer);

#endif
