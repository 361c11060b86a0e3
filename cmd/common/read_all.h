/* Reads all that another process writes, which may be slow, endless or hostile. */
#ifndef MALLOW_READ_ALL_H
#define MALLOW_READ_ALL_H

#include <stddef.h>
#include <stdint.h>

enum read_end {
    READ_COMPLETE,
    READ_LATE,     /* the deadline has passed */
    READ_TOO_LONG, /* there are more than `limit` bytes */
    READ_FAILED,   /* errno holds the reason */
};

/* Reads from a pipe or a socket until its end, or until clock_ms() reaches the deadline, and stores
 * the text, which the caller frees. The text holds all that has been read, whatever the result.
 * Ends the command if there is no memory. */
enum read_end read_all(int fd, int64_t deadline, size_t limit, char **text, size_t *length);

#endif
