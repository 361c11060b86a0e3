/* mallow map: draws the address space of a process. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/printable.h"
#include "control/target.h"
#include "map/map.h"
#include "proc/proc.h"

static const char map_help[] =
    "Usage: mallow map [OPTION...] [PID]\n"
    "Draws the address space of a process, from high addresses to low ones: what is\n"
    "mapped where, and how much of it is resident, private and dirty. Without PID,\n"
    "it is the address space of the command itself.\n"
    "\n"
    "Options:\n"
    "  --all        print a row for each mapping\n"
    "  --heap       print the heap of Mallow with a character for each page\n"
    "  --watch[=SECONDS]\n"
    "               print what changes, every second, until the process ends\n"
    "  --json       print all figures as JSON\n"
    "  --help       print this text\n"
    "  --version    print the version\n"
    "\n"
    "The process need not run on Mallow, but its heap is shown only if it was started\n"
    "by 'mallow run', or with MALLOW_OPTIONS=control=on.\n"
    "The exit status is 0, or 125 if there is no such process, or this user may not\n"
    "inspect it.\n";

/* ---- the process ---- */

static _Noreturn void map_explain(pid_t process, enum address_space_result result) {
    char line[PROC_LINE_SIZE];
    int number = (int)process;
    if (result == ADDRESS_SPACE_DENIED)
        errx(EXIT_OWN_FAILURE,
             geteuid() == 0
                 ? "even root may not inspect process %d here: the CAP_SYS_PTRACE capability is"
                   " missing, as in most containers"
                 : "this user may not inspect process %d: try as the user it runs as, or as root",
             number);
    if (!proc_status_line(process, "State:", line) ||
        strchr("ZX", line[strlen("State:\t")]) != NULL)
        errx(EXIT_OWN_FAILURE, "process %d has ended", number);
    errx(EXIT_OWN_FAILURE, "process %d is a kernel thread and has no address space", number);
}

struct map_settings {
    bool all, heap, json;
    double watch; /* the interval, or 0 */
};

static void map_read_name(pid_t process, char name[static 64]) {
    char line[PROC_LINE_SIZE];
    const char *value = proc_status_line(process, "Name:", line) ? line + strlen("Name:\t") : "";
    snprintf(name, 64, "%.63s", value);
    make_printable(name, strlen(name), "");
}

static int map_process(pid_t process, struct map_settings settings) {
    struct address_space space;
    char name[64];
    map_read_name(process, name);
    enum address_space_result result = address_space_read(&space, process);
    target_require_same(process);
    if (result != ADDRESS_SPACE_READ) map_explain(process, result);
    if (settings.watch > 0)
        return map_watch(&space, name,
                         (struct map_watch){.seconds = settings.watch,
                                            .detail = settings.all ? MAP_EACH : MAP_GROUPED,
                                            .json = settings.json});
    struct map_heap heap;
    map_heap_read(&heap, &space);
    if (settings.heap && heap.reason != NULL) errx(EXIT_OWN_FAILURE, "%s", heap.reason);
    if (settings.json) {
        map_print_json(&space, name);
        map_heap_print_json(&heap);
        fputs("}\n", stdout);
    } else {
        if (!settings.heap) map_print(&space, name, settings.all);
        map_heap_print(&heap, settings.heap);
    }
    map_heap_free(&heap);
    address_space_free(&space);
    return print_text("");
}

enum { OPTION_ALL = OPTION_OWN, OPTION_HEAP, OPTION_WATCH };

#define WATCH_MIN 0.05
#define WATCH_MAX 86400.0

static double map_parse_interval(const char *value) {
    char *end;
    double seconds = strtod(value, &end);
    if (*value == '\0' || *end != '\0' || !(seconds >= WATCH_MIN && seconds <= WATCH_MAX))
        usage_error("--watch: '%s' is not a number of seconds from 0.05 to 86400", value);
    return seconds;
}

int map_command(int argc, char **argv) {
    static const struct option options[] = {
        {"all", no_argument, NULL, OPTION_ALL},
        {"heap", no_argument, NULL, OPTION_HEAP},
        {"watch", optional_argument, NULL, OPTION_WATCH},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    struct map_settings settings = {0};
    int option;
    while ((option = next_option(argc, argv, options, map_help)) != -1) {
        switch (option) {
        case OPTION_ALL:
            settings.all = true;
            break;
        case OPTION_HEAP:
            settings.heap = true;
            break;
        case OPTION_WATCH:
            settings.watch = optarg != NULL ? map_parse_interval(optarg) : 1;
            break;
        case OPTION_JSON:
            settings.json = true;
            break;
        }
    }
    return map_process(argc == optind ? getpid() : target_any_process(argc, argv), settings);
}
