/* mallow run: runs a program under the library, with the summary at its end. */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "child.h"
#include "command.h"
#include "preload.h"
#include "program.h"

struct request {
    char *path;
    char **arguments;
};

static const char help[] =
    "Usage: mallow run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
    "Runs PROGRAM on the Mallow memory allocator and prints a summary of its memory\n"
    "on standard error when it ends.\n"
    "\n"
    "Options:\n"
    "  --check       find memory errors: check=full, and the bounds of memory functions\n"
    "  --json        print the summary as JSON\n"
    "  --log=FILE    append the summary and the allocator's messages to FILE\n"
    "  --no-control  start no thread for 'mallow trim', 'stats', 'info' and 'leaks'\n"
    "  --help        print this text\n"
    "  --version     print the version\n"
    "\n"
    "The exit status is that of PROGRAM, 128 + N when signal N killed it, 125 when\n"
    "mallow itself fails, 126 when PROGRAM cannot be executed, 127 when there is none.\n";

/* The program may change its directory before the library opens the file. */
static void add_log(const char *file) {
    char *directory = *file == '/' ? strdup("") : getcwd(NULL, 0);
    char *option;

    if (*file == '\0' || strchr(file, ',') != NULL)
        usage_error("--log='%s': the name of a log must not be empty or have a comma", file);
    if (directory == NULL) err(EXIT_OWN_FAILURE, "the working directory");
    if (asprintf(&option, "log=%s%s%s", directory, *file == '/' ? "" : "/", file) < 0)
        err(EXIT_OWN_FAILURE, NULL);
    preload_add_options(option);
    free(option);
    free(directory);
}

/* Reports are given functions and lines by this command itself; not where its path cannot be said
 * in a list of options. */
static void add_symbolizer(void) {
    char path[PATH_MAX], *option;
    preload_own_path(path);
    if (strchr(path, ',') != NULL) return;
    if (asprintf(&option, "symbolizer=%s", path) < 0) err(EXIT_OWN_FAILURE, NULL);
    preload_add_default(option);
    free(option);
}

/* In the child: the summary is for this process alone, not for those that it starts. */
static void execute(const void *argument) {
    const struct request *request = argument;
    char option[64];

    snprintf(option, sizeof option, "stats=exit,stats_pid=%d", (int)getpid());
    preload_add_options(option);
    execvp(request->path, request->arguments);
    err(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE, "cannot run '%s'", request->path);
}

enum { OPTION_CHECK = OPTION_OWN, OPTION_LOG, OPTION_NO_CONTROL };

int run_command(int argc, char **argv) {
    static const struct option options[] = {
        {"check", no_argument, NULL, OPTION_CHECK},
        {"json", no_argument, NULL, OPTION_JSON},
        {"log", required_argument, NULL, OPTION_LOG},
        {"no-control", no_argument, NULL, OPTION_NO_CONTROL},
        COMMON_OPTIONS,
    };
    bool check = false;
    int option;

    add_symbolizer();
    preload_add_default("control=on");
    while ((option = next_leading_option(argc, argv, options, help)) != -1) {
        switch (option) {
        case OPTION_CHECK:
            preload_add_default("check=full");
            check = true;
            break;
        case OPTION_JSON:
            preload_add_options("stats_format=json");
            break;
        case OPTION_LOG:
            add_log(optarg);
            break;
        case OPTION_NO_CONTROL:
            preload_add_options("control=off");
            break;
        }
    }
    char **program = operands(argc, argv, 1, ANY_NUMBER, "program");
    struct request request = {program_find(*program), program};
    program_require_preloadable(request.path);
    if (check) preload_library(MALLOW_CHECK_LIBRARY);
    preload_library(MALLOW_LIBRARY);
    int status = child_run(execute, &request);
    free(request.path);
    return status;
}
