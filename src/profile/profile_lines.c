#include "profile/profile_lines.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os.h"
#include "os/os_append.h"
#include "os/os_process.h"

/* The thread's stack may be small. */
static UNTOUCHED char profile_lines_text[8 * KIB];

/* Passes on all whole lines and moves the rest to the start. A line that fills the buffer is
 * skipped. Returns the length of the rest. */
static size_t profile_lines_take(size_t length, void (*call)(void *, char *), void *to) {
    char *line = profile_lines_text, *end;
    profile_lines_text[length] = '\0';
    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        call(to, line);
        line = end + 1;
    }
    size_t rest = strlen(line);
    if (rest == sizeof profile_lines_text - 1) return 0;
    memmove(profile_lines_text, line, rest);
    return rest;
}

bool profile_lines_each(const char *path, void (*call)(void *to, char *line), void *to) {
    int fd = os_open_read(path);
    uint64_t offset = 0;
    size_t have = 0;
    long n;
    if (fd < 0) return false;
    while ((n = os_append_read(fd, profile_lines_text + have, sizeof profile_lines_text - 1 - have,
                               offset)) > 0) {
        offset += (uint64_t)n;
        have = profile_lines_take(have + (size_t)n, call, to);
    }
    os_close(fd);
    return offset != 0;
}
