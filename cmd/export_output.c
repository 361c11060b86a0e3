/* Where an export goes: standard output, or a file that appears when it is complete. */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "export.h"
#include "xalloc.h"

/* The temporary file, which exit() removes. */
static const char *export_unfinished;

static void export_output_remove(void) {
    if (export_unfinished != NULL) unlink(export_unfinished);
}

static struct export_output export_output_standard(bool is_binary) {
    if (is_binary && isatty(STDOUT_FILENO))
        errx(EXIT_OWN_FAILURE, "this format is binary: use -o FILE or redirect standard output");
    return (struct export_output){.to = stdout};
}

/* Devices and pipes cannot be replaced by a file. */
static bool export_output_is_special(const char *path) {
    struct stat file;
    return stat(path, &file) == 0 && !S_ISREG(file.st_mode);
}

struct export_output export_output_open(const char *path, bool is_binary) {
    struct export_output output = {.path = path};
    if (path == NULL) return export_output_standard(is_binary);
    if (export_output_is_special(path)) {
        output.to = fopen(path, "we");
        if (output.to == NULL) err(EXIT_OWN_FAILURE, "%s", path);
        return output;
    }
    output.temporary = xasprintf("%s.XXXXXX", path);
    int fd = mkostemp(output.temporary, O_CLOEXEC);
    if (fd < 0) err(EXIT_OWN_FAILURE, "%s", path);
    export_unfinished = output.temporary;
    atexit(export_output_remove);
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) != 0) err(EXIT_OWN_FAILURE, "%s", path);
    output.to = fdopen(fd, "w");
    if (output.to == NULL) err(EXIT_OWN_FAILURE, "%s", path);
    return output;
}

void export_output_close(struct export_output *output) {
    const char *name = output->path == NULL ? "standard output" : output->path;
    bool failed = ferror(output->to) != 0;
    if (output->path == NULL ? fflush(output->to) != 0 : fclose(output->to) != 0) failed = true;
    if (failed) err(EXIT_OWN_FAILURE, "%s", name);
    if (output->temporary == NULL) return;
    if (rename(output->temporary, output->path) != 0) err(EXIT_OWN_FAILURE, "%s", name);
    export_unfinished = NULL;
    free(output->temporary);
}
