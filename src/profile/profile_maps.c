#include "profile/profile_maps.h"

#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os.h"
#include "os/os_append.h"
#include "os/os_process.h"

/* A line has at most about 80 bytes before the path. */
static UNTOUCHED char profile_maps_text[8 * KIB];

static uint64_t profile_maps_hex(const char **at) {
    uint64_t value = 0;
    for (;; (*at)++) {
        char c = **at;
        if (c >= '0' && c <= '9')
            value = value * 16 + (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + (uint64_t)(c - 'a' + 10);
        else
            return value;
    }
}

static const char *profile_maps_field(const char *at) {
    while (*at != ' ' && *at != '\0') at++;
    while (*at == ' ') at++;
    return at;
}

/* START-END rwxp OFFSET DEVICE INODE   PATH */
static struct profile_mapping profile_maps_parse(const char *line) {
    struct profile_mapping mapping;
    const char *at = line;
    mapping.start = (uintptr_t)profile_maps_hex(&at);
    if (*at == '-') at++;
    mapping.end = (uintptr_t)profile_maps_hex(&at);
    at = profile_maps_field(at);
    mapping.executable = strlen(at) > 4 && at[2] == 'x';
    at = profile_maps_field(at);
    mapping.offset = profile_maps_hex(&at);
    mapping.path = profile_maps_field(profile_maps_field(profile_maps_field(at)));
    mapping.path_bytes = strlen(mapping.path);
    return mapping;
}

/* Passes on all whole lines and moves the rest to the start. A line that fills the buffer is
 * skipped. Returns the length of the rest. */
static size_t profile_maps_take(size_t length, void (*call)(void *, const struct profile_mapping *),
                                void *to) {
    char *line = profile_maps_text, *end;
    profile_maps_text[length] = '\0';
    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        struct profile_mapping mapping = profile_maps_parse(line);
        if (mapping.start < mapping.end) call(to, &mapping);
        line = end + 1;
    }
    size_t rest = strlen(line);
    if (rest == sizeof profile_maps_text - 1) return 0;
    memmove(profile_maps_text, line, rest);
    return rest;
}

void profile_maps_each(void (*call)(void *to, const struct profile_mapping *mapping), void *to) {
    int fd = os_open_read("/proc/self/maps");
    uint64_t offset = 0;
    size_t have = 0;
    long n;
    if (fd < 0) return;
    while ((n = os_append_read(fd, profile_maps_text + have, sizeof profile_maps_text - 1 - have,
                               offset)) > 0) {
        offset += (uint64_t)n;
        have = profile_maps_take(have + (size_t)n, call, to);
    }
    os_close(fd);
}
