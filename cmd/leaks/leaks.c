/* mallow leaks: finds the blocks of a running process that nothing points to any more. */
#include "leaks/leaks.h"

#include <stdlib.h>

#include "common/arguments.h"
#include "common/command.h"
#include "control/control.h"
#include "control/target.h"
#include "proc/symbol_root.h"
#include "profiles/profile.h"

/* A check takes several seconds for each GiB of memory. Each frame of a group takes a few hundred
 * bytes of the answer. */
static const struct control_limits LEAKS_CONTROL_LIMITS = {600, (size_t)512 << 20};

#define LEAKS_LIMIT_DEFAULT 50
#define EXIT_LOST 1

static const char leaks_help[] =
    "Usage: mallow leaks [OPTION...] PID|FILE\n"
    "Finds the memory blocks of a process that no pointer leads to any more, or the\n"
    "blocks that are left at the end of a profile.\n"
    "\n"
    "Options:\n"
    "  --reachable          list the blocks that are still reachable, too\n"
    "  --possible           exit with status 1 for possibly lost blocks, too\n"
    "  --suppressions=FILE  leave out groups that match a line 'leak:PATTERN' of FILE\n"
    "  --limit=N            list at most N groups of each kind; 0: all; default: 50\n"
    "  --sysroot=DIR        look for the profiled program's files in DIR first\n"
    "  --json               print the result as JSON\n"
    "  --help               print this text\n"
    "  --version            print the version\n"
    "\n"
    "The process must have been started by 'mallow run', or with\n"
    "MALLOW_OPTIONS=control=on. The check stops it for a few milliseconds.\n"
    "For a profile, only --limit, --sysroot and --json apply.\n"
    "The exit status is 0, 1 if blocks are definitely lost or left, 2 if FILE cannot be\n"
    "read or is not a profile, or 125 if the process does not answer.\n";

struct leaks_settings {
    bool reachable, possible, json;
    const char *suppressions;
    unsigned long limit;
};

static int leaks_report(pid_t process, const struct leaks_settings *settings) {
    const char *request = settings->reachable ? "leaks reachable" : "leaks";
    char *text = leaks_symbolize(control_request(process, request, LEAKS_CONTROL_LIMITS), process);
    struct leak_answer answer = leaks_parse(text);
    if (settings->suppressions != NULL) leaks_suppress(&answer, settings->suppressions);
    (settings->json ? leaks_print_json : leaks_print)(&answer, process, settings->limit);
    bool lost = answer.totals[LEAK_DEFINITE].blocks != 0 ||
                (settings->possible && answer.totals[LEAK_POSSIBLE].blocks != 0);
    free(answer.groups);
    free(answer.text);
    int status = print_text("");
    return status == 0 && lost ? EXIT_LOST : status;
}

enum { OPTION_REACHABLE = OPTION_OWN, OPTION_POSSIBLE, OPTION_SUPPRESSIONS, OPTION_LIMIT };

int leaks_command(int argc, char **argv) {
    static const struct option options[] = {
        {"reachable", no_argument, NULL, OPTION_REACHABLE},
        {"possible", no_argument, NULL, OPTION_POSSIBLE},
        {"suppressions", required_argument, NULL, OPTION_SUPPRESSIONS},
        {"limit", required_argument, NULL, OPTION_LIMIT},
        {"sysroot", required_argument, NULL, OPTION_SYSROOT},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    struct leaks_settings settings = {.limit = LEAKS_LIMIT_DEFAULT};
    int option;
    while ((option = next_option(argc, argv, options, leaks_help)) != -1) {
        switch (option) {
        case OPTION_REACHABLE:
            settings.reachable = true;
            break;
        case OPTION_POSSIBLE:
            settings.possible = true;
            break;
        case OPTION_SUPPRESSIONS:
            settings.suppressions = optarg;
            break;
        case OPTION_LIMIT:
            settings.limit = number_value("--limit", optarg);
            break;
        case OPTION_SYSROOT:
            symbol_root_set(optarg);
            break;
        case OPTION_JSON:
            settings.json = true;
            break;
        }
    }
    const char *operand = *operands(argc, argv, 1, 1, "PID or FILE");
    if (profile_operand_is_process(operand) && symbol_root() != NULL)
        usage_error("--sysroot is for a profile");
    if (profile_operand_is_process(operand))
        return leaks_report(target_process(argc, argv), &settings);
    if (settings.reachable || settings.possible)
        usage_error("--reachable and --possible are for a process");
    return leaks_profile_report(operand, settings.suppressions, settings.limit, settings.json);
}
