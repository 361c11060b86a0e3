/* mallow trim: malloc_trim in a running process. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "arguments.h"
#include "command.h"
#include "control.h"

static const char help[] =
    "Usage: mallow trim [OPTION...] PID\n"
    "Has the process return its free memory to the kernel, as malloc_trim(3) does,\n"
    "and prints how much that was.\n"
    "\n"
    "Options:\n"
    "  --pad=BYTES  keep that much of its free pages\n"
    "  --json       print the amounts as JSON\n"
    "  --help       print this text\n"
    "  --version    print the version\n"
    "\n"
    "The process must have been started by 'mallow run', or with\n"
    "MALLOW_OPTIONS=control=on. It goes on meanwhile.\n"
    "The exit status is 0, also when there was nothing to return, or 125 when there\n"
    "is no answer.\n";

/* Resident bytes of the process; 0 when that may not be known. */
static unsigned long long resident(pid_t process) {
    char path[64];
    unsigned long long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)process);
    FILE *statm = fopen(path, "re");
    if (statm == NULL) return 0;
    if (fscanf(statm, "%*u %llu", &pages) != 1) pages = 0;
    fclose(statm);
    return pages * (unsigned long long)sysconf(_SC_PAGESIZE);
}

static int trim(pid_t process, unsigned long long pad, bool json) {
    char request[32], text[192];
    snprintf(request, sizeof request, "trim %llu", pad);
    unsigned long long before = resident(process);
    char *answer = control_ask(process, request, CONTROL_PATIENCE);
    unsigned long long returned = strtoull(answer, NULL, 10), after = resident(process);
    free(answer);
    const char *format = json
                             ? "{\"pid\":%d,\"returned_bytes\":%llu,\"resident_before_bytes\":%llu,"
                               "\"resident_bytes\":%llu}\n"
                             : "process %d: returned %llu bytes; resident before %llu, now %llu\n";
    snprintf(text, sizeof text, format, (int)process, returned, before, after);
    return print_text(text);
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
    while ((option = next_option(argc, argv, options, help)) != -1) {
        switch (option) {
        case OPTION_PAD:
            pad = number_value("--pad", optarg);
            break;
        case OPTION_JSON:
            json = true;
            break;
        }
    }
    return trim(control_process(argc, argv), pad, json);
}
