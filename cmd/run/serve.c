/* mallow serve: runs mallow-serve, which is a program of its own (cmd/serve). */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "launch/preload.h"

int serve_command(int argc, char **argv) {
    static const char *const folders[] = {".", MALLOW_LIBEXECDIR_FROM_BINDIR};
    char directory[PATH_MAX];
    (void)argc;
    preload_own_path(directory);
    *strrchr(directory, '/') = '\0';
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char *path = xasprintf("%s/%s/mallow-serve", directory, folders[i]);
        execv(path, argv);
        if (errno != ENOENT && errno != ENOTDIR) err(EXIT_CANNOT_EXECUTE, "%s", path);
        free(path);
    }
    errx(EXIT_NOT_FOUND,
         "mallow-serve is neither in %s nor in %s/" MALLOW_LIBEXECDIR_FROM_BINDIR
         ": build or install Mallow again",
         directory, directory);
}
