/* mallow stats and mallow info: the figures of a running process. */
#include <stdlib.h>

#include "arguments.h"
#include "command.h"
#include "control.h"

#define HELP(name, what)                                            \
    "Usage: mallow " name " [--json] PID\n" what                    \
    "\n"                                                            \
    "Options:\n"                                                    \
    "  --json       print all figures as JSON\n"                    \
    "  --help       print this text\n"                              \
    "  --version    print the version\n"                            \
    "\n"                                                            \
    "The process must have been started by 'mallow run', or with\n" \
    "MALLOW_OPTIONS=control=on. It goes on meanwhile.\n"            \
    "The exit status is 0, or 125 when there is no answer.\n"

static const char stats_help[] =
    HELP("stats", "Prints what malloc_stats(3) would print in the process.\n");
static const char info_help[] =
    HELP("info", "Prints what malloc_info(3) would write in the process, as XML.\n");

static int print_figures(int argc, char **argv, const char *request, const char *help) {
    static const struct option options[] = {
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    int option;
    while ((option = next_option(argc, argv, options, help)) != -1) {
        if (option == OPTION_JSON) request = "figures";
    }
    char *answer = control_ask(control_process(argc, argv), request, CONTROL_PATIENCE);
    int status = print_text(answer);
    free(answer);
    return status;
}

int stats_command(int argc, char **argv) { return print_figures(argc, argv, "stats", stats_help); }
int info_command(int argc, char **argv) { return print_figures(argc, argv, "info", info_help); }
