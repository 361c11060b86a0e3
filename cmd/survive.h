/* Calls that a malformed file may make crash: libdw follows what the file says, and a mapped file
 * that is cut off meanwhile cannot be read. */
#ifndef MALLOW_SURVIVE_H
#define MALLOW_SURVIVE_H

#include <stdbool.h>

/* Calls the function. False when it crashed: nothing that it had begun may be used again. */
bool survive(void (*call)(void *context), void *context);

#endif
