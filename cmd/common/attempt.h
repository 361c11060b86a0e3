/* Work that may fail without ending the command. */
#ifndef MALLOW_ATTEMPT_H
#define MALLOW_ATTEMPT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Calls `work` in a copy of this process and returns the text that it wrote to its stream. If the
 * copy ends with a message instead, for example because another process does not answer, returns
 * NULL and stores the message in *reason. The caller frees both. */
char *attempt(void (*work)(FILE *to, void *with), void *with, char **reason);

/* ---- without waiting ---- */

struct attempt {
    pid_t copy;
    int output, messages; /* files in memory */
};

/* Starts the copy, whose end the caller learns by waitpid(). Returns false if there are not enough
 * processes or descriptors. */
bool attempt_start(struct attempt *attempt, void (*work)(FILE *to, void *with), void *with);

/* Returns a descriptor of what the copy wrote, which the caller closes. If its wait status is not
 * 0, returns -1 and stores the message in *reason, which the caller frees. */
int attempt_end(struct attempt *attempt, int status, char **reason);

#endif
