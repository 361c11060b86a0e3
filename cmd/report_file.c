/* Writes the file of a report. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "report.h"
#include "xalloc.h"

static bool report_file_fill(int fd, const char *text, size_t count) {
    while (count > 0) {
        ssize_t n = TEMP_FAILURE_RETRY(write(fd, text, count));
        if (n < 0) return false;
        text += n;
        count -= (size_t)n;
    }
    return true;
}

/* Writes to a device or a pipe. */
static void report_file_write_special(const char *name, const char *text, size_t count) {
    int fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || !report_file_fill(fd, text, count) || close(fd) != 0)
        err(EXIT_OWN_FAILURE, "%s", name);
}

/* Gives a new file the permissions that open(2) would have given it. */
static int report_file_permit(int fd) {
    mode_t mask = umask(0);
    umask(mask);
    return fchmod(fd, 0666 & ~mask);
}

static void report_file_replace(const char *name, const char *text, size_t count) {
    char *temporary = xasprintf("%s.XXXXXX", name);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) err(EXIT_OWN_FAILURE, "%s", name);
    bool filled = report_file_fill(fd, text, count) && report_file_permit(fd) == 0;
    int error = filled ? 0 : errno;
    if (close(fd) != 0 && error == 0) error = errno;
    if (error == 0 && rename(temporary, name) != 0) error = errno;
    if (error != 0) {
        unlink(temporary);
        errno = error;
        err(EXIT_OWN_FAILURE, "%s", name);
    }
    free(temporary);
}

void report_file_write(const char *name, const char *text, size_t count) {
    struct stat file;
    if (strcmp(name, "-") == 0) {
        if (!report_file_fill(STDOUT_FILENO, text, count)) err(EXIT_OWN_FAILURE, "standard output");
        return;
    }
    if (stat(name, &file) == 0 && !S_ISREG(file.st_mode)) {
        report_file_write_special(name, text, count);
        return;
    }
    /* A symbolic link stays: the file that it leads to is replaced. */
    char *target = realpath(name, NULL);
    report_file_replace(target == NULL ? name : target, text, count);
    free(target);
}
