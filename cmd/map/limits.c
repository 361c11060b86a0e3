/* mallow limits: prints the limits that the memory of a process can reach, and which limit comes
 * first. */
#include "proc/memory_limits.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "control/target.h"

static const char limits_help[] =
    "Usage: mallow limits [--json] [PID]\n"
    "Prints what limits the memory of a process, how much of it is used, and which\n"
    "limit the process reaches first if it grows. Without PID, the limits are those\n"
    "of the command itself, and so of programs that are started in the same way.\n"
    "\n"
    "Options:\n"
    "  --json       print the limits as JSON\n"
    "  --help       print this text\n"
    "  --version    print the version\n"
    "\n"
    "The process need not run on Mallow.\n"
    "The exit status is 0, or 125 if there is no such process.\n";

struct limit *limits_add(struct limits *limits, const char *name, uint64_t used, uint64_t maximum,
                         const char *effect) {
    if (limits->count == LIMITS_MAX) limits->count--;
    struct limit *limit = &limits->list[limits->count++];
    *limit = (struct limit){.name = name, .used = used, .maximum = maximum, .effect = effect};
    snprintf(limit->label, sizeof limit->label, "%s", name);
    return limit;
}

uint64_t limit_left(const struct limit *limit) {
    if (limit->maximum == LIMIT_NONE || limit->used == LIMIT_UNKNOWN) return LIMIT_NONE;
    return limit->used < limit->maximum ? limit->maximum - limit->used : 0;
}

const struct limit *limits_first(const struct limits *limits) {
    const struct limit *first = NULL;
    uint64_t least = LIMIT_NONE;
    for (unsigned i = 0; i < limits->count; i++) {
        uint64_t left = limit_left(&limits->list[i]);
        if (!limits->list[i].is_reached_by_use || left >= least) continue;
        first = &limits->list[i];
        least = left;
    }
    return first;
}

int limits_command(int argc, char **argv) {
    static const struct option options[] = {
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    static struct limits limits;
    bool json = false;
    int option;
    while ((option = next_option(argc, argv, options, limits_help)) != -1)
        if (option == OPTION_JSON) json = true;
    limits.process = argc == optind ? getpid() : target_any_process(argc, argv);
    if (!limits_read(&limits)) errx(EXIT_OWN_FAILURE, "process %d has ended", (int)limits.process);
    target_require_same(limits.process);
    return (json ? limits_print_json : limits_print)(&limits);
}
