/* Work that may fail without ending the command. */
#ifndef MALLOW_ATTEMPT_H
#define MALLOW_ATTEMPT_H

#include <stdio.h>

/* Calls `work` in a copy of this process and returns the text that it wrote to its stream. If the
 * copy ends with a message instead, for example because another process does not answer, returns
 * NULL and stores the message in *reason. The caller frees both. */
char *attempt(void (*work)(FILE *to, void *with), void *with, char **reason);

#endif
