/* Reads the anonymous resident memory of this process without any allocation. */
#ifndef ANONYMOUS_H
#define ANONYMOUS_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Returns KiB, or -1 if the kernel does not report it. */
static inline long anonymous_kib(void) {
    static char text[4096];
    static const char key[] = "\nAnonymous:";
    int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
    close(file);
    if (length < 0) return -1;
    text[length] = '\0';
    const char *line = strstr(text, key);
    return line ? strtol(line + sizeof key - 1, NULL, 10) : -1;
}

#endif
