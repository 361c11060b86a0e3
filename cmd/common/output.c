#include "common/output.h"

#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"

/* The temporary file, which exit() removes. */
static const char *output_unfinished;

static void output_remove(void) {
    if (output_unfinished != NULL) unlink(output_unfinished);
}

/* Devices and pipes cannot be replaced by a file. */
static bool output_is_special(const char *path) {
    struct stat file;
    return stat(path, &file) == 0 && !S_ISREG(file.st_mode);
}

/* Returns what a symbolic link leads to, so that the link stays. The caller frees it. */
static char *output_target(const char *path) {
    char *target = realpath(path, NULL);
    return target == NULL ? xstrdup(path) : target;
}

struct output output_open(const char *path) {
    if (path == NULL || strcmp(path, "-") == 0)
        return (struct output){.name = "standard output", .to = stdout};
    struct output output = {.name = path};
    if (output_is_special(path)) {
        output.to = fopen(path, "we");
        if (output.to == NULL) err(EXIT_OWN_FAILURE, "%s", path);
        return output;
    }
    output.target = output_target(path);
    output.temporary = xasprintf("%s.XXXXXX", output.target);
    int fd = mkostemp(output.temporary, O_CLOEXEC);
    if (fd < 0) err(EXIT_OWN_FAILURE, "%s", path);
    output_unfinished = output.temporary;
    atexit(output_remove);
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) != 0) err(EXIT_OWN_FAILURE, "%s", path);
    output.to = fdopen(fd, "w");
    if (output.to == NULL) err(EXIT_OWN_FAILURE, "%s", path);
    return output;
}

void output_close(struct output *output) {
    bool failed = ferror(output->to) != 0;
    if (output->to == stdout ? fflush(output->to) != 0 : fclose(output->to) != 0) failed = true;
    if (failed) err(EXIT_OWN_FAILURE, "%s", output->name);
    if (output->temporary == NULL) return;
    if (rename(output->temporary, output->target) != 0) err(EXIT_OWN_FAILURE, "%s", output->name);
    output_unfinished = NULL;
    free(output->temporary);
    free(output->target);
}
