/* Reads the size of this process's resident set in bytes, without stdio, which would allocate. */
#ifndef RESIDENT_H
#define RESIDENT_H

#include "check.h"

#include <fcntl.h>

static inline size_t resident_bytes(void) {
    char text[128] = "";
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0 && read(file, text, sizeof(text) - 1) > 0);
    close(file);
    char *rest = NULL;
    strtoul(text, &rest, 10); /* skips the size of the address space */
    return strtoul(rest, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

#endif
