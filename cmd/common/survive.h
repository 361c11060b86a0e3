/* Survives crashes caused by malformed files: libdw follows the offsets in a file, and reading a
 * mapped file that has been truncated since causes a SIGBUS. */
#ifndef MALLOW_SURVIVE_H
#define MALLOW_SURVIVE_H

#include <stdbool.h>

/* Calls the function. Returns false if it has crashed; the data that it was working on must not be
 * used any more. */
bool survive(void (*call)(void *context), void *context);

#endif
