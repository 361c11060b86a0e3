/* Lets a test pretend that the system went down: --wrap=kernel_read_file. */
#ifndef REBOOTED_H
#define REBOOTED_H

#include <stdio.h>
#include <string.h>

static int boots; /* how often the system "was started again" */

long __real_kernel_read_file(const char *path, char *text, size_t room);
long __wrap_kernel_read_file(const char *path, char *text, size_t room);

long __wrap_kernel_read_file(const char *path, char *text, size_t room) {
    if (strcmp(path, "/proc/sys/kernel/random/boot_id") != 0)
        return __real_kernel_read_file(path, text, room);
    return snprintf(text, room, "boot %d", boots);
}

#endif
