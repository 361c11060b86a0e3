#include "proc/symbol_root.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/command.h"

static char *symbol_root_path;

void symbol_root_set(const char *directory) {
    struct stat status;
    free(symbol_root_path);
    symbol_root_path = realpath(directory, NULL);
    if (symbol_root_path == NULL || stat(symbol_root_path, &status) != 0)
        err(EXIT_OWN_FAILURE, "--sysroot=%s", directory);
    errno = ENOTDIR;
    if (!S_ISDIR(status.st_mode)) err(EXIT_OWN_FAILURE, "--sysroot=%s", directory);
}

const char *symbol_root(void) { return symbol_root_path; }
