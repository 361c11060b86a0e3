#include "profiles/profile_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"

#define PROFILE_INPUT_MAX ((off_t)16 << 30)

static const char *profile_input_error(const char *what) {
    return xasprintf("%s: %s", what, strerror(errno));
}

/* Reads until the end, or until `room` bytes are read. */
static bool profile_input_fill(int fd, unsigned char *bytes, size_t room, size_t *count) {
    *count = 0;
    while (*count < room) {
        ssize_t n = TEMP_FAILURE_RETRY(pread(fd, bytes + *count, room - *count, (off_t)*count));
        if (n < 0) return false;
        if (n == 0) break;
        *count += (size_t)n;
    }
    return true;
}

const char *profile_input_read_descriptor(int fd, unsigned char **bytes, size_t *count) {
    struct stat file;
    if (fstat(fd, &file) != 0) return profile_input_error("cannot be examined");
    if (S_ISDIR(file.st_mode)) return "is a directory, not a profile";
    if (!S_ISREG(file.st_mode)) return "is not a regular file";
    if (file.st_size > PROFILE_INPUT_MAX) return "is larger than 16 GiB";
    *bytes = malloc((size_t)file.st_size + 1);
    if (*bytes == NULL) return profile_input_error("does not fit into memory");
    if (profile_input_fill(fd, *bytes, (size_t)file.st_size, count)) return NULL;
    free(*bytes);
    return profile_input_error("cannot be read");
}

const char *profile_input_read(const char *path, unsigned char **bytes, size_t *count) {
    /* Opening a pipe would wait for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return profile_input_error("cannot be opened");
    const char *reason = profile_input_read_descriptor(fd, bytes, count);
    close(fd);
    return reason;
}
