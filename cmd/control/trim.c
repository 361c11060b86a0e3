/* mallow trim: calls malloc_trim(3) in a running process. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/arguments.h"
#include "common/command.h"
#include "control/control.h"
#include "control/target.h"
#include "proc/amount.h"

static const char trim_help[] =
    "Usage: mallow trim [OPTION...] PID\n"
    "Makes the process return its free memory to the kernel, as malloc_trim(3) does,\n"
    "and prints how much it has returned.\n"
    "\n"
    "Options:\n"
    "  --pad=BYTES  keep BYTES of its free pages\n"
    "  --json       print the amounts as JSON\n"
    "  --help       print this text\n"
    "  --version    print the version\n"
    "\n"
    "The process must have been started by 'mallow run', or with\n"
    "MALLOW_OPTIONS=control=on. It keeps running.\n"
    "The exit status is 0, even if there was nothing to return, or 125 if the process\n"
    "does not answer.\n";

static int trim_print_json(pid_t process, unsigned long long returned, unsigned long long before,
                           unsigned long long after) {
    char text[192];
    snprintf(text, sizeof text,
             "{\"pid\":%d,\"returned_bytes\":%llu,\"resident_before_bytes\":%llu,"
             "\"resident_bytes\":%llu}\n",
             (int)process, returned, before, after);
    return print_text(text);
}

static int trim_print_amounts(pid_t process, unsigned long long returned, unsigned long long before,
                              unsigned long long after) {
    char text[192];
    snprintf(text, sizeof text, "process %d: returned %s; resident memory before %s, now %s\n",
             (int)process, amount_of(returned).text, amount_of(before).text, amount_of(after).text);
    return print_text(text);
}

static int trim_process(pid_t process, unsigned long long pad, bool json) {
    char request[32];
    snprintf(request, sizeof request, "trim %llu", pad);
    unsigned long long before = resident_bytes(process);
    char *answer = control_request(process, request, CONTROL_LIMITS_QUICK);
    unsigned long long returned = strtoull(answer, NULL, 10), after = resident_bytes(process);
    free(answer);
    return (json ? trim_print_json : trim_print_amounts)(process, returned, before, after);
}

enum { OPTION_PAD = OPTION_OWN };

int trim_command(int argc, char **argv) {
    static const struct option options[] = {
        {"pad", required_argument, NULL, OPTION_PAD},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    unsigned long long pad = 0;
    bool json = false;
    int option;
    while ((option = next_option(argc, argv, options, trim_help)) != -1) {
        switch (option) {
        case OPTION_PAD:
            pad = number_value("--pad", optarg);
            break;
        case OPTION_JSON:
            json = true;
            break;
        }
    }
    return trim_process(target_process(argc, argv), pad, json);
}
