/* mallow leaks: what nothing in a running process points to any more. */
#include "leaks.h"

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "control.h"

#define CHECK_PATIENCE 600 /* seconds: several for each GiB */
#define LIMIT_DEFAULT 50
#define EXIT_LOST 1

static const char help[] =
    "Usage: mallow leaks [OPTION...] PID\n"
    "Finds the blocks of the process that no pointer leads to any more.\n"
    "\n"
    "Options:\n"
    "  --reachable          list what is still reachable, too\n"
    "  --possible           count what is possibly lost in the exit status, too\n"
    "  --suppressions=FILE  leave out what FILE names, lines 'leak:PATTERN'\n"
    "  --limit=N            list N groups of blocks at most; 0: all; default 50\n"
    "  --json               print the result as JSON\n"
    "  --help               print this text\n"
    "  --version            print the version\n"
    "\n"
    "The process must have been started by 'mallow run', or with\n"
    "MALLOW_OPTIONS=control=on. It stands still for some milliseconds.\n"
    "The exit status is 1 when blocks are lost, else 0, or 125 when there is no answer.\n";

struct choice {
    bool reachable, possible, json;
    const char *suppressions;
    unsigned long limit;
};

static unsigned long parse_limit(const char *text) {
    char *end;
    errno = 0;
    unsigned long limit = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0)
        errx(EXIT_OWN_FAILURE, "--limit='%s': not a number", text);
    return limit;
}

static int report_leaks(pid_t process, const struct choice *choice) {
    const char *request = choice->reachable ? "leaks reachable" : "leaks";
    char *text = leaks_symbolize(control_ask(process, request, CHECK_PATIENCE));
    struct leak_answer answer = leaks_parse(text);
    if (choice->suppressions != NULL) leaks_suppress(&answer, choice->suppressions);
    (choice->json ? leaks_print_json : leaks_print)(&answer, process, choice->limit);
    bool lost = answer.totals[LEAK_DEFINITE].blocks != 0 ||
                (choice->possible && answer.totals[LEAK_POSSIBLE].blocks != 0);
    free(answer.groups);
    free(answer.text);
    int status = print_text("");
    return status == 0 && lost ? EXIT_LOST : status;
}

int leaks_command(int argc, char **argv) {
    static const struct option options[] = {
        {"reachable", no_argument, NULL, 'r'},
        {"possible", no_argument, NULL, 'p'},
        {"suppressions", required_argument, NULL, 's'},
        {"limit", required_argument, NULL, 'l'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    struct choice choice = {.limit = LIMIT_DEFAULT};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'r':
            choice.reachable = true;
            break;
        case 'p':
            choice.possible = true;
            break;
        case 's':
            choice.suppressions = optarg;
            break;
        case 'l':
            choice.limit = parse_limit(optarg);
            break;
        case 'j':
            choice.json = true;
            break;
        case 'h':
            return print_text(help);
        case 'v':
            return print_version();
        default:
            return EXIT_OWN_FAILURE;
        }
    }
    if (argc - optind != 1) errx(EXIT_OWN_FAILURE, "one PID is needed; try 'mallow leaks --help'");
    return report_leaks(control_process(argv[optind]), &choice);
}
