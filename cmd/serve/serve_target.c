/*
 * The process that is served: the one whose ID was given, or else the oldest process on Mallow in
 * this PID namespace. When that one ends, the next oldest takes its place.
 */
#include <err.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/xalloc.h"
#include "control/control.h"
#include "control/control_call.h"
#include "proc/proc.h"
#include "serve.h"

static struct {
    pid_t process;
    uint64_t started; /* in clock ticks */
    int64_t end;      /* by clock_ms(); 0: it runs */
    char *absence;
} serve_target_state;

/* ---- the oldest process ---- */

/* Returns the process ID in a line of /proc/net/unix whose socket is that of a process on Mallow in
 * this namespace, or 0. */
static pid_t serve_target_of_line(const char *line, unsigned long namespace) {
    static const char prefix[] = " @mallow.";
    char *end;
    const char *name = strstr(line, prefix);
    if (name == NULL) return 0;
    if (strtoul(name + strlen(prefix), &end, 10) != namespace || *end != '.') return 0;
    long process = strtol(end + 1, &end, 10);
    return *end == '\n' && process > 0 && process <= INT_MAX ? (pid_t)process : 0;
}

static pid_t serve_target_find(void) {
    char line[256];
    struct stat namespace;
    pid_t oldest = 0;
    uint64_t oldest_start = UINT64_MAX;
    FILE *sockets = fopen("/proc/net/unix", "re");
    if (sockets == NULL) return 0;
    if (stat("/proc/self/ns/pid", &namespace) != 0) namespace.st_ino = 0;
    while (fgets(line, sizeof line, sockets) != NULL) {
        pid_t process = serve_target_of_line(line, namespace.st_ino);
        uint64_t start = process == 0 ? 0 : proc_stat_number(process, STAT_START_TIME);
        if (start == 0 || start > oldest_start) continue;
        if (start == oldest_start && process > oldest) continue;
        oldest = process;
        oldest_start = start;
    }
    fclose(sockets);
    return oldest;
}

/* ---- the state ---- */

static bool serve_target_runs(void) {
    char line[PROC_LINE_SIZE];
    pid_t process = serve_target_state.process;
    if (process == 0 || proc_stat_number(process, STAT_START_TIME) != serve_target_state.started)
        return false;
    return proc_status_line(process, "State:", line) && strpbrk(line, "ZX") == NULL;
}

static void serve_target_set(pid_t process) {
    if (process == 0) return;
    serve_target_state.process = process;
    serve_target_state.started = proc_stat_number(process, STAT_START_TIME);
    serve_target_state.end = 0;
}

pid_t serve_target(void) {
    if (serve_target_state.end == 0 && serve_target_state.process == 0)
        serve_target_set(serve_settings.process != 0 ? serve_settings.process
                                                     : serve_target_find());
    if (serve_target_runs()) return serve_target_state.process;
    if (serve_settings.process == 0) {
        serve_target_set(serve_target_find());
        if (serve_target_runs()) return serve_target_state.process;
    }
    if (serve_target_state.end == 0) serve_target_state.end = clock_ms();
    return 0;
}

const char *serve_target_absence(void) {
    if (serve_settings.process == 0) return "no process runs on Mallow with control=on";
    if (serve_target_state.absence == NULL)
        serve_target_state.absence = xasprintf("process %d has ended", (int)serve_settings.process);
    return serve_target_state.absence;
}

int64_t serve_target_end(void) { return serve_target_state.end; }

/* ---- samples ---- */

void serve_target_sample(pid_t process) {
    char *answer, *reason;
    int fd = -1;
    static const struct control_limits limits = {60, 4096};
    if (serve_settings.sample == NULL) return;
    /* Only a process that takes samples has a profile. */
    reason = control_call(process, "profile", limits, &fd, &answer);
    if (fd >= 0) close(fd);
    if (reason == NULL) return;
    char *request = xasprintf("sample %s", serve_settings.sample);
    free(control_request(process, request, CONTROL_LIMITS_QUICK));
    free(request);
    free(reason);
}
