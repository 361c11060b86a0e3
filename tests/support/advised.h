/* Finds the memory of this process for which the kernel was asked for huge pages. */
#ifndef ADVISED_H
#define ADVISED_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline bool huge_pages_exist(void) {
    return access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) == 0;
}

/* Returns true if /proc/self/smaps says that the mapping around the address may have huge pages. */
static inline bool is_advised(const void *address) {
    static char text[1 << 20];
    size_t length = 0;
    int file = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
    for (ssize_t n; (n = read(file, text + length, sizeof(text) - 1 - length)) > 0;)
        length += (size_t)n;
    close(file);
    text[length] = '\0';
    bool around = false;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *rest;
        uintptr_t first = strtoul(line, &rest, 16);
        if (*rest == '-') around = (uintptr_t)address - first < strtoul(rest + 1, NULL, 16) - first;
        if (around && strncmp(line, "VmFlags:", 8) == 0) return strstr(line, " hg") != NULL;
    }
    return false;
}

#endif
