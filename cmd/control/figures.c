/* mallow stats and mallow info: print the figures of a running process. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arguments.h"
#include "common/command.h"
#include "control/control.h"
#include "control/target.h"
#include "proc/amount.h"

#define FIGURES_HELP(name, description)                             \
    "Usage: mallow " name " [--json] PID\n" description             \
    "\n"                                                            \
    "Options:\n"                                                    \
    "  --json       print all figures as JSON\n"                    \
    "  --help       print this text\n"                              \
    "  --version    print the version\n"                            \
    "\n"                                                            \
    "The process must have been started by 'mallow run', or with\n" \
    "MALLOW_OPTIONS=control=on. It keeps running.\n"                \
    "The exit status is 0, or 125 if the process does not answer.\n"

static const char figures_stats_help[] =
    FIGURES_HELP("stats", "Prints how much memory the process uses, and for what.\n");
static const char figures_info_help[] =
    FIGURES_HELP("info", "Prints the XML that malloc_info(3) would write in the process.\n");

static _Noreturn void figures_refuse_answer(pid_t process) {
    errx(EXIT_OWN_FAILURE, "process %d sent an answer that this version does not understand",
         (int)process);
}

/* Puts the resident memory before the figures of the answer. */
static int figures_print_json(pid_t process, const char *figures) {
    char start[96];
    if (*figures != '{') figures_refuse_answer(process);
    snprintf(start, sizeof start, "{\"pid\":%d,\"resident_bytes\":%llu,", (int)process,
             resident_bytes(process));
    print_text(start);
    return print_text(figures + 1);
}

/* Returns the named figure from the JSON object, or 0. */
static unsigned long long figures_value(const char *figures, const char *name) {
    char field[64];
    snprintf(field, sizeof field, "\"%s\":", name);
    const char *at = strstr(figures, field);
    return at == NULL ? 0 : strtoull(at + strlen(field), NULL, 10);
}

static void figures_print_amount(const char *label, unsigned long long bytes) {
    printf("%-24s %12s\n", label, amount_of(bytes).text);
}

static void figures_print_blocks(const char *label, unsigned long long bytes,
                                 unsigned long long blocks) {
    printf("%-24s %12s in %llu block%s\n", label, amount_of(bytes).text, blocks, plural(blocks));
}

static int figures_print_stats(pid_t process, const char *figures) {
    unsigned long long mapped = figures_value(figures, "mapping_bytes");
    unsigned long long mappings = figures_value(figures, "mappings");
    if (*figures != '{') figures_refuse_answer(process);
    figures_print_amount("resident memory", resident_bytes(process));
    figures_print_blocks("live", figures_value(figures, "live_bytes") + mapped,
                         figures_value(figures, "live_blocks") + mappings);
    figures_print_blocks("  in their own mappings", mapped, mappings);
    figures_print_amount("free in thread caches", figures_value(figures, "cached_bytes"));
    figures_print_amount("free in slabs", figures_value(figures, "free_bytes"));
    figures_print_amount("free pages", figures_value(figures, "dirty_bytes"));
    figures_print_amount("not backed by memory", figures_value(figures, "fresh_bytes") +
                                                     figures_value(figures, "unused_bytes") +
                                                     figures_value(figures, "clean_bytes"));
    figures_print_amount("allocator metadata", figures_value(figures, "metadata_bytes"));
    figures_print_amount("returned to the kernel", figures_value(figures, "purged_bytes"));
    return print_text("");
}

static int figures_print_info(pid_t process, const char *info) {
    (void)process;
    return print_text(info);
}

static int figures_command(int argc, char **argv, const char *request,
                           int (*print)(pid_t process, const char *answer), const char *help) {
    static const struct option options[] = {
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    int option;
    while ((option = next_option(argc, argv, options, help)) != -1) {
        if (option != OPTION_JSON) continue;
        request = "figures";
        print = figures_print_json;
    }
    pid_t process = target_process(argc, argv);
    char *answer = control_request(process, request, CONTROL_LIMITS_QUICK);
    int status = print(process, answer);
    free(answer);
    return status;
}

int stats_command(int argc, char **argv) {
    return figures_command(argc, argv, "figures", figures_print_stats, figures_stats_help);
}

int info_command(int argc, char **argv) {
    return figures_command(argc, argv, "info", figures_print_info, figures_info_help);
}
