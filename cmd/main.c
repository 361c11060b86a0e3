/* The command: calls the subcommand with its arguments. */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/arguments.h"
#include "common/command.h"

struct main_subcommand {
    const char *name;
    const char *full_name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct main_subcommand main_subcommands[] = {
    {"run", "mallow run", "run a program under Mallow", run_command},
    {"trace", "mallow trace", "record the calls of a process", trace_command},
    {"trim", "mallow trim", "return the free memory of a process to the kernel", trim_command},
    {"stats", "mallow stats", "print how a process uses its memory", stats_command},
    {"info", "mallow info", "print the output of malloc_info(3) in a process", info_command},
    {"leaks", "mallow leaks", "find the memory that a process has leaked", leaks_command},
    {"explain", "mallow explain", "say where the memory of a process is, and why", explain_command},
    {"top", "mallow top", "show live how processes use their memory", top_command},
    {"sites", "mallow sites", "print which functions allocate the memory of a process",
     sites_command},
    {"diff", "mallow diff", "print which functions hold more or less memory than before",
     diff_command},
    {"report", "mallow report", "write a profile as a page for a web browser", report_command},
    {"export", "mallow export", "write a profile in a format of other programs", export_command},
    {"serve", "mallow serve", "serve the memory of a process to profilers and Prometheus",
     serve_command},
    {"limits", "mallow limits", "print the limits of a process, and which it reaches first",
     limits_command},
    {"map", "mallow map", "draw the address space of a process", map_command},
    {"advise", "mallow advise", "say which way to get memory fits each call site of a trace",
     advise_command},
    {"strace", "mallow strace", "print the system calls that the allocations of a trace caused",
     strace_command},
    {"import", "mallow import", "convert a file of heaptrack or mtrace(3) into a trace",
     import_command},
    {"replay", "mallow replay", "repeat the allocations of a trace on other allocators",
     replay_command},
    {"mtrace", "mallow mtrace", "evaluate a log of mtrace(3)", mtrace_command},
    {"symbolize", "mallow symbolize", "add functions and lines to the frames in a report",
     symbolize_command},
};

static const size_t main_subcommand_count = sizeof main_subcommands / sizeof main_subcommands[0];

static int main_print_help(void) {
    print_text(
        "Usage: mallow SUBCOMMAND [OPTION...]\n"
        "Runs programs on the Mallow memory allocator and queries running ones.\n"
        "\n"
        "Subcommands:\n");
    for (size_t i = 0; i < main_subcommand_count; i++)
        printf("  %-10s %s\n", main_subcommands[i].name, main_subcommands[i].summary);
    return print_text(
        "  help       print this text, or the help of a SUBCOMMAND\n"
        "\n"
        "Options:\n"
        "  -h, --help     print this text or, after a subcommand, its help\n"
        "  -V, --version  print the version\n"
        "\n"
        "See mallow(1), and mallow(7) for the settings of the library.\n");
}

static int main_run_subcommand(const char *name, int argc, char **argv) {
    for (size_t i = 0; i < main_subcommand_count; i++) {
        if (strcmp(name, main_subcommands[i].name) != 0) continue;
        program_invocation_short_name = (char *)main_subcommands[i].full_name;
        return main_subcommands[i].run(argc, argv);
    }
    usage_error("unknown subcommand '%s'", name);
}

static int main_help_command(int argc, char **argv) {
    char option[] = "--help", *arguments[] = {argv[1], option, NULL};
    if (argc < 2) return main_print_help();
    if (argc > 2) usage_error("unexpected argument '%s'", argv[2]);
    return main_run_subcommand(argv[1], 2, arguments);
}

static bool main_is_either(const char *word, const char *one, const char *other) {
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

int main(int argc, char **argv) {
    if (argc < 2) usage_error("no subcommand given");
    if (main_is_either(argv[1], "-h", "--help")) return main_print_help();
    if (main_is_either(argv[1], "-V", "--version")) return print_version();
    if (strcmp(argv[1], "help") == 0) return main_help_command(argc - 1, argv + 1);
    return main_run_subcommand(argv[1], argc - 1, argv + 1);
}
