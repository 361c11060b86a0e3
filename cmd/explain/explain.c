/* mallow explain: says where the resident memory of a process is, and why. */
#include "explain/explain.h"

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/path.h"
#include "common/printable.h"
#include "common/xalloc.h"
#include "control/target.h"
#include "proc/proc.h"

#define SECONDS_DEFAULT 2
#define SECONDS_MAX 604800ul /* a week */

static const char explain_help[] =
    "Usage: mallow explain [OPTION...] PID\n"
    "Says where the resident memory of a process is and what is unusual about it: a\n"
    "leak, growth, free memory that is kept, fragmentation, stacks, files, and so on.\n"
    "It looks at the process several times and compares.\n"
    "\n"
    "Options:\n"
    "  --seconds=N  look for N seconds; default: 2\n"
    "  --no-sample  do not sample allocations meanwhile\n"
    "  --no-leaks   do not search for lost blocks if memory grows\n"
    "  --json       print the result as JSON\n"
    "  --help       print this text\n"
    "  --version    print the version\n"
    "\n"
    "The process keeps running. If it does not run on Mallow, or was not started by\n"
    "'mallow run' or with MALLOW_OPTIONS=control=on, only /proc is read.\n"
    "The exit status is 0, or 125 if there is no such process or it ends meanwhile.\n";

struct explain_settings {
    unsigned long seconds;
    bool sample, leaks, json;
};

/* ---- the process ---- */

static void explain_read_names(struct explanation *explanation) {
    char line[PROC_LINE_SIZE], path[4096];
    if (!proc_status_line(explanation->process, "Name:", line))
        errx(EXIT_OWN_FAILURE, "process %d has ended", (int)explanation->process);
    snprintf(explanation->program, sizeof explanation->program, "%.63s", line + strlen("Name:\t"));
    make_printable(explanation->program, strlen(explanation->program), "");
    ssize_t length = readlink(proc_path(explanation->process, "exe").text, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    const char *base = strrchr(path, '/');
    explanation->executable = xstrdup(base == NULL ? explanation->program : base + 1);
    make_printable(explanation->executable, strlen(explanation->executable), "");
}

static uint64_t explain_mapping_limit(void) {
    unsigned long long limit = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (file == NULL) return 0;
    if (fscanf(file, "%llu", &limit) != 1) limit = 0;
    fclose(file);
    return limit;
}

static bool explain_is_same_program(pid_t process, pid_t other) {
    return other > 1 &&
           path_is_same_file(proc_path(process, "exe").text, proc_path(other, "exe").text);
}

/* Returns the parent or the first child that executes the same program, or 0. */
static pid_t explain_find_relative(pid_t process) {
    char name[64];
    int child;
    pid_t found = (pid_t)proc_status_number(process, "PPid:");
    if (explain_is_same_program(process, found)) return found;
    found = 0;
    snprintf(name, sizeof name, "task/%d/children", (int)process);
    FILE *children = proc_open(process, name);
    while (children != NULL && found == 0 && fscanf(children, "%d", &child) == 1)
        if (explain_is_same_program(process, child)) found = child;
    if (children != NULL) fclose(children);
    return found;
}

/* ---- the looks ---- */

static volatile sig_atomic_t explain_signal;

static void explain_note_signal(int signal) { explain_signal = signal; }

/* A signal must not end the command before it has turned sampling off again. */
static void explain_catch_signals(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = explain_note_signal}, before;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
}

static void explain_wait(double seconds) {
    struct timespec pause = {.tv_sec = (time_t)seconds};
    pause.tv_nsec = (long)((seconds - (double)pause.tv_sec) * 1e9);
    if (explain_signal == 0) nanosleep(&pause, NULL);
}

/* Takes the other looks, at equal distances. Those whose time has passed during another look are
 * left out, except for the last one. */
static void explain_look_on(struct explanation *explanation, double seconds) {
    const double step = seconds / (EXPLAIN_LOOKS - 1);
    for (int i = 1; i < EXPLAIN_LOOKS && explain_signal == 0; i++) {
        double now = explain_seconds(), next = i * step;
        if (next < now && i != EXPLAIN_LOOKS - 1) continue;
        if (next > now) explain_wait(next - now);
        if (explain_signal == 0) explain_look(explanation);
    }
}

static void explain_observe(struct explanation *explanation,
                            const struct explain_settings *settings) {
    explain_look(explanation);
    bool sample = settings->sample && explanation->is_on_mallow;
    if (sample) explain_begin_sites(explanation);
    explain_look_on(explanation, (double)settings->seconds);
    if (sample) explain_end_sites(explanation);
    if (explain_signal != 0) exit(128 + explain_signal);
    if (settings->leaks && explanation->is_on_mallow && explain_is_growing(explanation))
        explain_find_lost(explanation);
}

static int explain_report(struct explanation *explanation, bool json) {
    struct verdict verdicts[VERDICTS];
    explanation->mapping_limit = explain_mapping_limit();
    explanation->relative = explain_find_relative(explanation->process);
    size_t count = explain_judge(explanation, verdicts);
    return (json ? explain_print_json : explain_print)(explanation, verdicts, count);
}

enum { OPTION_SECONDS = OPTION_OWN, OPTION_NO_SAMPLE, OPTION_NO_LEAKS };

int explain_command(int argc, char **argv) {
    static const struct option options[] = {
        {"seconds", required_argument, NULL, OPTION_SECONDS},
        {"no-sample", no_argument, NULL, OPTION_NO_SAMPLE},
        {"no-leaks", no_argument, NULL, OPTION_NO_LEAKS},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    static struct explanation explanation;
    struct explain_settings settings = {SECONDS_DEFAULT, true, true, false};
    int option;
    while ((option = next_option(argc, argv, options, explain_help)) != -1) {
        switch (option) {
        case OPTION_SECONDS:
            settings.seconds = number_value("--seconds", optarg);
            if (settings.seconds > SECONDS_MAX) usage_error("--seconds=%s is too long", optarg);
            break;
        case OPTION_NO_SAMPLE:
            settings.sample = false;
            break;
        case OPTION_NO_LEAKS:
            settings.leaks = false;
            break;
        case OPTION_JSON:
            settings.json = true;
            break;
        }
    }
    explanation.process = target_any_process(argc, argv);
    explain_read_names(&explanation);
    explain_catch_signals();
    explain_observe(&explanation, &settings);
    return explain_report(&explanation, settings.json);
}
