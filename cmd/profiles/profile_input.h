/* Reads the bytes of a profile into memory. */
#ifndef MALLOW_PROFILE_INPUT_H
#define MALLOW_PROFILE_INPUT_H

#include <stddef.h>

/* Read a regular file. Return NULL and store the bytes, which the caller frees, or return the
 * reason why they cannot be read, as the rest of a sentence. A file that another process changes or
 * truncates meanwhile is read as far as possible. */
const char *profile_input_read(const char *path, unsigned char **bytes, size_t *count);
const char *profile_input_read_descriptor(int fd, unsigned char **bytes, size_t *count);

#endif
