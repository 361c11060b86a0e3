/* The command: finds the subcommand and hands it its arguments. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "command.h"

struct subcommand {
    const char *name;
    const char *full_name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct subcommand subcommands[] = {
    {"run", "mallow run", "run a program under Mallow", run_command},
    {"trim", "mallow trim", "have a process return its free memory", trim_command},
    {"stats", "mallow stats", "print malloc_stats of a process", stats_command},
    {"info", "mallow info", "print malloc_info of a process", info_command},
    {"leaks", "mallow leaks", "find what a process has lost", leaks_command},
    {"mtrace", "mallow mtrace", "tell what a log of mtrace(3) says", mtrace_command},
    {"symbolize", "mallow symbolize", "give the frames in a report functions and lines",
     symbolize_command},
};

static const size_t subcommand_count = sizeof subcommands / sizeof subcommands[0];

int print_text(const char *text) {
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
        err(EXIT_OWN_FAILURE, "standard output");
    return 0;
}

int print_version(void) { return print_text("mallow " MALLOW_VERSION "\n"); }

static int print_help(void) {
    print_text(
        "Usage: mallow SUBCOMMAND [OPTION...]\n"
        "Runs programs on the Mallow memory allocator, and asks those that run.\n"
        "\n"
        "Subcommands:\n");
    for (size_t i = 0; i < subcommand_count; i++)
        printf("  %-10s %s\n", subcommands[i].name, subcommands[i].summary);
    return print_text(
        "\n"
        "Options:\n"
        "  --help     print this text, or the help of a subcommand\n"
        "  --version  print the version\n"
        "\n"
        "See mallow(1), and mallow(7) for the settings of the library.\n");
}

int main(int argc, char **argv) {
    if (argc < 2) usage_error("no subcommand given");
    if (strcmp(argv[1], "--help") == 0) return print_help();
    if (strcmp(argv[1], "--version") == 0) return print_version();

    for (size_t i = 0; i < subcommand_count; i++) {
        if (strcmp(argv[1], subcommands[i].name) != 0) continue;
        program_invocation_short_name = (char *)subcommands[i].full_name;
        return subcommands[i].run(argc - 1, argv + 1);
    }
    usage_error("there is no subcommand '%s'", argv[1]);
}
