#include "control/target.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/path.h"
#include "common/xalloc.h"
#include "launch/probe.h"
#include "proc/proc.h"

static bool target_has_same_file(pid_t process, const char *name) {
    return path_is_same_file(proc_path(getpid(), name).text, proc_path(process, name).text);
}

static bool target_has_file(pid_t process, const char *name) {
    struct stat status;
    return stat(proc_path(process, name).text, &status) == 0;
}

/* ---- processes that do not exist ---- */

static void target_require_proc(void) {
    char number[32] = "";
    if (readlink("/proc/self", number, sizeof number - 1) < 0)
        errx(EXIT_OWN_FAILURE, "/proc is not mounted, so processes cannot be inspected");
    if (strtol(number, NULL, 10) != getpid())
        errx(EXIT_OWN_FAILURE,
             "/proc belongs to another PID namespace, in which process IDs differ:"
             " try 'unshare --mount-proc' or 'mount -t proc proc /proc' in this one");
}

static _Noreturn void target_explain_absence(pid_t process) {
    int number = (int)process;
    if (kill(process, 0) == 0 || errno == EPERM)
        errx(EXIT_OWN_FAILURE, "process %d is hidden by /proc (hidepid): try as root", number);
    errx(EXIT_OWN_FAILURE,
         "there is no process %d, or it has this ID only in another PID namespace", number);
}

static pid_t target_require_process(pid_t process) {
    target_require_proc();
    long group = proc_status_number(process, "Tgid:");
    if (group < 0) target_explain_absence(process);
    if (group != process)
        errx(EXIT_OWN_FAILURE, "%d is a thread of process %ld: use that ID", (int)process, group);
    return process;
}

/* ---- 'mallow run' in place of its program ---- */

static bool target_is_probe(pid_t process) {
    char line[PROC_LINE_SIZE];
    return proc_status_line(process, "Name:", line) && strstr(line, "\t" PROBE_NAME) != NULL;
}

/* Returns the child of 'mallow run' that runs the program or is about to, or 0. */
static pid_t target_program(pid_t wrapper) {
    char name[64];
    pid_t program = 0;
    int child;
    snprintf(name, sizeof name, "task/%d/children", (int)wrapper);
    FILE *children = proc_open(wrapper, name);
    while (children != NULL && fscanf(children, "%d", &child) == 1)
        if (!target_is_probe(child)) program = child;
    if (children != NULL) fclose(children);
    return program;
}

#define START_TRIES 500
static const struct timespec target_start_pause = {.tv_nsec = 10000000};

/* Returns the program's process if the process is 'mallow run', because a script that has started
 * 'mallow run' knows only its process ID. */
static pid_t target_follow_wrapper(pid_t process) {
    for (int i = 0; i < START_TRIES && target_has_same_file(process, "exe"); i++) {
        pid_t program = target_program(process);
        if (program != 0) process = program;
        if (target_has_same_file(process, "exe"))
            nanosleep(&target_start_pause, NULL); /* the program has not started yet */
    }
    return process;
}

char *target_standstill(pid_t process) {
    char line[PROC_LINE_SIZE];
    int number = (int)process;
    if (!proc_status_line(process, "State:", line)) return NULL;
    const char *state = line + strcspn(line, "\t") + 1;
    if (*state == 'T')
        return xasprintf("process %d is stopped: resume it with 'kill -CONT %d'", number, number);
    if (*state == 't') return xasprintf("process %d is stopped by a debugger", number);
    if (*state == 'Z' || *state == 'X') return xasprintf("process %d has ended", number);
    return NULL;
}

static void target_require_running(pid_t process) {
    char *reason = target_standstill(process);
    if (reason != NULL) errx(EXIT_OWN_FAILURE, "%s", reason);
}

/* ---- process IDs that are used again ---- */

/* The process that the operand names, and when it started, in clock ticks since the system did. An
 * ID is seldom used twice in one tick, because the system first uses all other IDs. */
static pid_t target_chosen;
static uint64_t target_started;

static pid_t target_choose(pid_t process) {
    target_chosen = process;
    target_started = proc_stat_number(process, STAT_START_TIME);
    return process;
}

bool target_is_same(pid_t process) {
    return process != target_chosen ||
           (target_started != 0 && target_started == proc_stat_number(process, STAT_START_TIME));
}

char *target_change(pid_t process) {
    if (target_is_same(process)) return NULL;
    if (proc_stat_number(process, STAT_START_TIME) == 0)
        return xasprintf("process %d has ended", (int)process);
    return xasprintf("process %d has ended, and another process has its ID now", (int)process);
}

void target_require_same(pid_t process) {
    char *reason = target_change(process);
    if (reason != NULL) errx(EXIT_OWN_FAILURE, "%s", reason);
}

static pid_t target_of_operand(const char *operand) {
    unsigned long number;
    if (!parse_number(operand, &number) || number == 0 || number > INT_MAX)
        usage_error("'%s' is not a process ID", operand);
    return target_choose(target_follow_wrapper(target_require_process((pid_t)number)));
}

pid_t target_any_process(int argc, char **argv) {
    return target_of_operand(*operands(argc, argv, 1, 1, "PID"));
}

pid_t target_process(int argc, char **argv) {
    return target_named(*operands(argc, argv, 1, 1, "PID"));
}

pid_t target_named(const char *operand) {
    pid_t process = target_of_operand(operand);
    target_require_running(process);
    return process;
}

/* ---- reasons for a missing answer ---- */

enum target_library { LIBRARY_UNKNOWN, LIBRARY_ABSENT, LIBRARY_PRESENT };

static enum target_library target_find_library(pid_t process) {
    char line[PATH_MAX + 128];
    enum target_library found = LIBRARY_ABSENT;
    FILE *maps = proc_open(process, "maps");
    if (maps == NULL) return LIBRARY_UNKNOWN;
    while (fgets(line, sizeof line, maps) != NULL)
        if (strstr(line, "/libmallow.so") != NULL) found = LIBRARY_PRESENT;
    if (ferror(maps)) found = LIBRARY_UNKNOWN;
    fclose(maps);
    return found;
}

/* Only kernel threads have no memory. */
static bool target_is_kernel_thread(pid_t process) {
    char line[PROC_LINE_SIZE];
    return !proc_status_line(process, "VmSize:", line);
}

static char *target_unknown(pid_t process) {
    if (geteuid() == 0)
        return xasprintf(
            "process %d does not answer, and even root may not inspect it here:"
            " the CAP_SYS_PTRACE capability is missing, as in most containers",
            (int)process);
    return xasprintf(
        "process %d does not answer, and this user may not inspect it:"
        " try as the user it runs as, or as root",
        (int)process);
}

char *target_refusal(pid_t process) {
    int number = (int)process;
    if (target_is_kernel_thread(process)) {
        char *reason = target_standstill(process);
        return reason != NULL ? reason : xasprintf("process %d is a kernel thread", number);
    }
    enum target_library library = target_find_library(process);
    if (library == LIBRARY_UNKNOWN) return target_unknown(process);
    if (library == LIBRARY_ABSENT)
        return xasprintf(
            "process %d does not run on Mallow, or is statically linked and was started"
            " without MALLOW_OPTIONS=control=on",
            number);
    if (target_has_file(process, "ns/net") && !target_has_same_file(process, "ns/net"))
        return xasprintf(
            "process %d is in another network namespace: try 'nsenter -t %d -n mallow ...'", number,
            number);
    return xasprintf(
        "process %d runs on Mallow, but does not accept requests: start it with 'mallow run'"
        " or with MALLOW_OPTIONS=control=on",
        number);
}
