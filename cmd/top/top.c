/* mallow top: shows where the memory of processes goes while they run. */
#include "top/top.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arguments.h"
#include "common/clock.h"
#include "common/command.h"
#include "control/control.h"
#include "control/target.h"
#include "top/top_plain.h"
#include "top/top_screen.h"

static const char top_help[] =
    "Usage: mallow top [OPTION...] [PID...]\n"
    "Shows live how processes use their memory: totals, curves, allocation sites, size\n"
    "classes and threads. Without PID, it lists all processes of this user that run on\n"
    "Mallow and accept requests.\n"
    "\n"
    "Options:\n"
    "  -d, --delay=SECONDS  the time between two rounds; default: 1\n"
    "  -n, --rounds=N       print N rounds and end; without a screen\n"
    "  --by=KIND            sum up sites by function or stack; default: function\n"
    "  --view=NAME          begin with overview, sites, classes, threads or processes\n"
    "  --top=N              print at most N rows of a table; 0: all; default: 20\n"
    "  --json               print each round as an object of JSON in one line\n"
    "  --help               print this text\n"
    "  --version            print the version\n"
    "\n"
    "On a terminal, press ? for the keys. If the output is not a terminal, each round is\n"
    "printed as text. Sites and rates need samples: press s, or start the program with\n"
    "'mallow run --sample'. The processes keep running.\n"
    "The exit status is 0, or 125 if a process does not answer.\n";

#define ROWS_DEFAULT 20
#define DELAY_DEFAULT_MS 1000

static const char *const top_view_words[VIEWS] = {"overview", "sites", "classes", "threads",
                                                  "processes"};

static const char *const top_by_words[TOP_BYS] = {"function", "stack"};

struct top_settings {
    struct top_plain_settings plain;
    bool has_view, has_rounds;
};

static int64_t top_delay(const char *text) {
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0.1 && seconds <= 86400))
        usage_error("--delay='%s' is not a number of seconds from 0.1 to 86400", text);
    return llround(seconds * 1000);
}

enum { OPTION_VIEW = OPTION_OWN, OPTION_TOP, OPTION_BY };

static void top_read_options(int argc, char **argv, struct top *top,
                             struct top_settings *settings) {
    static const struct option options[] = {
        {"delay", required_argument, NULL, 'd'},
        {"rounds", required_argument, NULL, 'n'},
        {"by", required_argument, NULL, OPTION_BY},
        {"view", required_argument, NULL, OPTION_VIEW},
        {"top", required_argument, NULL, OPTION_TOP},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    int option;
    while ((option = next_option_of(argc, argv, "d:n:", options, top_help)) != -1) {
        switch (option) {
        case 'd':
            top->interval = top_delay(optarg);
            break;
        case 'n':
            settings->plain.rounds = number_value("--rounds", optarg);
            settings->has_rounds = true;
            if (settings->plain.rounds == 0) usage_error("--rounds must be at least 1");
            break;
        case OPTION_BY:
            top->groups.by = (enum top_by)choice_value("--by", optarg, top_by_words, TOP_BYS);
            break;
        case OPTION_VIEW:
            settings->plain.view =
                (enum top_view)choice_value("--view", optarg, top_view_words, VIEWS);
            settings->has_view = true;
            break;
        case OPTION_TOP:
            settings->plain.rows = number_value("--top", optarg);
            break;
        case OPTION_JSON:
            settings->plain.json = true;
            break;
        }
    }
}

static bool top_has(const struct top *top, pid_t pid) {
    for (size_t i = 0; i < top->count; i++)
        if (top->list[i]->pid == pid) return true;
    return false;
}

/* Ends the command with a message if one of the processes does not answer. */
static void top_read_operands(int argc, char **argv, struct top *top) {
    for (char **operand = operands(argc, argv, 0, ANY_NUMBER, "PID"); *operand != NULL; operand++) {
        pid_t pid = target_named(*operand);
        if (top_has(top, pid)) continue;
        free(control_request(pid, "refresh", CONTROL_LIMITS_QUICK));
        top_add(top, top_process_open(pid, true));
    }
    top->finds_processes = top->count == 0;
    if (top->count == 1) top->current = top->list[0];
}

/* A list of processes is the first view if several are shown. */
static void top_choose_view(const struct top *top, struct top_settings *settings, bool has_screen) {
    if (settings->has_view) return;
    settings->plain.view = top->current == NULL ? VIEW_PROCESSES
                           : has_screen         ? VIEW_OVERVIEW
                                                : VIEW_SITES;
}

static int top_run(struct top *top, struct top_settings *settings) {
    bool has_screen = !settings->plain.json && !settings->has_rounds && top_screen_is_possible();
    int number = -1;
    top_choose_view(top, settings, has_screen);
    if (has_screen) number = top_screen_run(top, settings->plain.view);
    return number < 0 ? top_plain_run(top, &settings->plain) : number;
}

/* Ends by the signal, so that a shell knows. */
static void top_end_by(int number) {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
}

int top_command(int argc, char **argv) {
    struct top top = {.interval = DELAY_DEFAULT_MS, .now = clock_ms()};
    struct top_settings settings = {.plain = {.rows = ROWS_DEFAULT}};
    top_read_options(argc, argv, &top, &settings);
    top_read_operands(argc, argv, &top);
    /* A server of debug information could keep the screen waiting for minutes. */
    if (getenv("DEBUGINFOD_URLS") != NULL) setenv("DEBUGINFOD_URLS", "", 1);
    int number = top_run(&top, &settings);
    for (size_t i = 0; i < top.count; i++) top_process_restore(top.list[i]);
    for (size_t i = 0; i < top.count; i++) top_process_close(top.list[i]);
    if (number > 0) top_end_by(number);
    return print_text("");
}
