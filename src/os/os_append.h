/*
 * Files that one process appends to, such as profiles. As in os.h, nothing here allocates, takes a
 * lock of libc or changes errno, and all functions are thread-safe.
 */
#ifndef MALLOW_OS_APPEND_H
#define MALLOW_OS_APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/os.h"

/* Opens a regular file for reading and appending, at a descriptor that programs seldom use, and
 * claims it for this process. Creates it with mode 0600 if it does not exist. Follows no symbolic
 * link. If `guessable` is true, other users may create the name first, so the file must belong to
 * the user and have one name. Returns 0, EWOULDBLOCK if another process has claimed it, or another
 * error number. */
int os_append_claim(const char *path, bool guessable, struct os_file *file);

/* Opens the file again by its name, without a claim. Returns a descriptor, or -1 if the name now
 * means another file or none. */
int os_append_open(const char *path, const struct os_file *file);

/* Appends all bytes. Returns false if not all were written. Raises no signal. */
bool os_append(int fd, const void *bytes, size_t count);

/* Returns the size of the file, or -1. */
int64_t os_append_size(int fd);

bool os_append_truncate(int fd, uint64_t bytes);

/* Reads up to `count` bytes at the offset. Returns their number, 0 at the end of the file, or -1.
 */
long os_append_read(int fd, void *buffer, size_t count, uint64_t offset);

#endif
