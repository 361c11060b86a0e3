/* Reads a file of the kernel line by line. Only one thread at a time may call it. */
#ifndef MALLOW_PROFILE_LINES_H
#define MALLOW_PROFILE_LINES_H

#include <stdbool.h>

/* Calls `call` for each line, which has no newline and may be changed. A line of more than 8 KiB is
 * skipped. `call` must not read another file this way. Returns false if nothing can be read. */
bool profile_lines_each(const char *path, void (*call)(void *to, char *line), void *to);

#endif
