/* A client of a process's control thread (mallow(7), control). */
#ifndef MALLOW_CONTROL_CLIENT_H
#define MALLOW_CONTROL_CLIENT_H

#include <sys/types.h>

/* The process that the only operand names. Ends the command with a message when there is none. */
pid_t control_process(int argc, char **argv);

#define CONTROL_PATIENCE 10 /* seconds, for what is answered at once */

/* What the process answers to a request, a line without its newline; allocated. Ends the command
 * with a message, which says what to do, when it does not answer in time or refuses. */
char *control_ask(pid_t process, const char *request, int seconds);

#endif
