/* mallow trace: records the calls of a running process. */
#include <err.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "control/control.h"
#include "control/control_call.h"
#include "control/target.h"
#include "trace/trace_drain.h"
#include "trace/trace_options.h"

static const char trace_help[] =
    "Usage: mallow trace [OPTION...] PID\n"
    "Writes a trace of a running process: each call of the malloc family, and each\n"
    "system call that it causes, until the process ends or this command is interrupted\n"
    "(Ctrl-C).\n"
    "\n"
    "Options:\n"
    "  -o, --output=FILE\n"
    "                write to FILE instead of trace.PID\n"
    "  --seconds=N   stop after N seconds\n"
    "  --stacks[=N]  add the stacks of the calls: N frames (64)\n"
    "  --full=wait|drop\n"
    "                choose what the process does when it records faster than mallow\n"
    "                writes: wait (the default), or drop events and count them\n"
    "  --help        print this text\n"
    "  --version     print the version\n"
    "\n"
    "The process must have been started by 'mallow run', or with\n"
    "MALLOW_OPTIONS=control=on. The exit status is 0, or 125 if the process does not\n"
    "answer or the trace cannot be written.\n";

struct trace_settings {
    char *file;     /* NULL: by the process ID */
    double seconds; /* how long it records */
    uint32_t frames;
    enum trace_full full;
};

/* Waits until the process has ended, the time is over, or a signal asks to stop. */
static void trace_wait(pid_t process, double seconds, const sigset_t *signals) {
    static const struct timespec step = {.tv_nsec = 50000000};
    int64_t begin = clock_ms();
    while (target_is_same(process) && (double)(clock_ms() - begin) < seconds * 1000)
        if (sigtimedwait(signals, NULL, &step) > 0) return;
}

/* The process may have ended meanwhile. */
static void trace_switch_off(pid_t process) {
    char *answer = NULL;
    free(control_call(process, "trace off", CONTROL_LIMITS_QUICK, NULL, &answer));
    free(answer);
}

static int trace_process(pid_t process, const struct trace_settings *settings) {
    int fd;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    char *request = xasprintf("trace %u %s", (unsigned)settings->frames,
                              settings->full == TRACE_DROP ? "drop" : "wait");
    free(control_request_descriptor(process, request, CONTROL_LIMITS_QUICK, &fd));
    free(request);
    struct trace_drain *drain = trace_drain_start(trace_area_attach(fd), settings->file, "mallow");
    free(control_request(process, "trace on", CONTROL_LIMITS_QUICK));
    trace_wait(process, settings->seconds, &signals);
    trace_switch_off(process);
    struct trace_drain_end end = trace_drain_stop(drain, -1);
    return trace_drain_print(&end, settings->file) ? 0 : EXIT_OWN_FAILURE;
}

static double trace_seconds(const char *value) {
    char *end;
    double seconds = strtod(value, &end);
    if (end == value || *end != '\0' || !(seconds >= 0 && seconds < 1e9))
        usage_error("--seconds='%s' is not a number of seconds", value);
    return seconds;
}

enum { OPTION_SECONDS = OPTION_OWN, OPTION_STACKS, OPTION_FULL };

int trace_command(int argc, char **argv) {
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"seconds", required_argument, NULL, OPTION_SECONDS},
        {"stacks", optional_argument, NULL, OPTION_STACKS},
        {"full", required_argument, NULL, OPTION_FULL},
        COMMON_OPTIONS,
    };
    struct trace_settings settings = {.seconds = INFINITY};
    int option;
    while ((option = next_output_option(argc, argv, options, trace_help)) != -1) {
        switch (option) {
        case 'o':
            free(settings.file);
            settings.file = xstrdup(optarg);
            break;
        case OPTION_SECONDS:
            settings.seconds = trace_seconds(optarg);
            break;
        case OPTION_STACKS:
            settings.frames = trace_option_frames("--stacks", optarg);
            break;
        case OPTION_FULL:
            settings.full = trace_option_full("--full", optarg);
            break;
        }
    }
    pid_t process = target_process(argc, argv);
    if (settings.file == NULL) settings.file = xasprintf("trace.%d", (int)process);
    int status = trace_process(process, &settings);
    free(settings.file);
    return status;
}
