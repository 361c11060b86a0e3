#include "replay/replay_measure.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "launch/preload.h"
#include "replay/replay_allocator.h"

/* ---- running ---- */

struct measure_start {
    const char *program, *library, *options;
    int file;
    bool is_quiet;
};

/* Returns the path of mallow-replay, which is next to the command in a build. */
static const char *measure_program(void) {
    static const char *const folders[] = {".", MALLOW_LIBEXECDIR_FROM_BINDIR};
    static char *path;
    char directory[PATH_MAX];
    if (path != NULL) return path;
    preload_own_path(directory);
    *strrchr(directory, '/') = '\0';
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        path = xasprintf("%s/%s/mallow-replay", directory, folders[i]);
        if (access(path, X_OK) == 0) return path;
        free(path);
    }
    errx(EXIT_NOT_FOUND,
         "mallow-replay is neither in %s nor in %s/" MALLOW_LIBEXECDIR_FROM_BINDIR
         ": build or install Mallow again",
         directory, directory);
}

/* Executes mallow-replay in the child process, which does not outlive the command. */
static _Noreturn void measure_execute(const struct measure_start *start) {
    char number[16];
    int file = dup(start->file);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (file < 0) err(EXIT_OWN_FAILURE, "cannot run %s", start->program);
    snprintf(number, sizeof number, "%d", file);
    if (*start->library != '\0')
        setenv("LD_PRELOAD", start->library, 1);
    else
        unsetenv("LD_PRELOAD");
    if (start->options != NULL) setenv("MALLOW_OPTIONS", start->options, 1);
    int null = start->is_quiet ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
    if (null >= 0) dup2(null, STDERR_FILENO);
    execl(start->program, start->program, number, NULL);
    err(EXIT_CANNOT_EXECUTE, "%s", start->program);
}

static int measure_run(int file, const char *library, const char *options, bool is_quiet) {
    const struct measure_start start = {.program = measure_program(),
                                        .library = library,
                                        .options = options,
                                        .file = file,
                                        .is_quiet = is_quiet};
    int status;
    pid_t process = fork();
    if (process < 0) err(EXIT_OWN_FAILURE, "cannot fork");
    if (process == 0) measure_execute(&start);
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR) err(EXIT_OWN_FAILURE, "cannot wait for %s", start.program);
    return status;
}

/* ---- without events ---- */

/* Runs mallow-replay without operations, and returns a copy of what it measured. */
static struct replay_head measure_nothing(const char *library) {
    int file = memfd_create("mallow-replay", MFD_CLOEXEC);
    struct replay_head empty = {.bytes = sizeof empty,
                                .page_bytes = (uint32_t)sysconf(_SC_PAGESIZE)};
    if (file < 0 || pwrite(file, &empty, sizeof empty, 0) != sizeof empty)
        err(EXIT_OWN_FAILURE, "cannot create a file in memory");
    measure_run(file, library, NULL, true);
    if (pread(file, &empty, sizeof empty, 0) != sizeof empty) empty.is_complete = 0;
    close(file);
    return empty;
}

char *replay_provider(const char *library) {
    struct replay_head head = measure_nothing(library);
    return head.is_complete == 0 || head.provider[0] == '\0' ? NULL : xstrdup(head.provider);
}

/* The anonymous memory of a process that has allocated nothing, not even its allocator. */
static uint64_t measure_base(void) {
    static uint64_t base;
    if (base == 0) base = measure_nothing("").resident_first;
    return base;
}

/* ---- figures ---- */

static double measure_percentile(const struct replay_head *head,
                                 const struct replay_thread *threads, uint64_t calls,
                                 double share) {
    uint64_t beyond = calls - (uint64_t)((double)calls * share), seen = 0;
    for (unsigned bucket = REPLAY_TIMES; bucket-- > 0;) {
        for (uint32_t i = 0; i < head->threads; i++) seen += threads[i].times[bucket];
        if (seen > beyond) return (double)replay_time_end(bucket);
    }
    return 0;
}

/* The mean over the recorded time, or over the epochs if the trace has no times. */
static double measure_mean(const struct replay_program *program, uint64_t base) {
    const struct replay_epoch *epochs =
        (const struct replay_epoch *)((const char *)program->head + program->head->epochs_at);
    double sum = 0, all = 0;
    uint64_t before = 0;
    for (uint32_t i = 0; i < program->head->epochs; i++) {
        double weight = program->duration == 0 ? 1 : (double)(epochs[i].time - before);
        before = epochs[i].time;
        sum += weight * (epochs[i].resident > base ? (double)(epochs[i].resident - base) : 0);
        all += weight;
    }
    return all == 0 ? 0 : sum / all;
}

static void measure_keep(const struct replay_program *program, struct replay_results *results) {
    const struct replay_head *head = program->head;
    const char *start = (const char *)head;
    const struct replay_thread *threads = (const struct replay_thread *)(start + head->threads_at);
    const struct replay_epoch *epochs = (const struct replay_epoch *)(start + head->epochs_at);
    uint64_t base = measure_base(), calls = 0, failed = 0;
    double call = 0, touch = 0;
    for (uint32_t i = 0; i < head->threads; i++) {
        calls += threads[i].calls;
        call += (double)threads[i].call_ticks;
        touch += (double)threads[i].touch_ticks;
        failed += threads[i].failed;
    }
    double tick = head->clock_ticks == 0 ? 1 : (double)head->clock_ns / (double)head->clock_ticks;
    double per_call = tick / (double)(calls == 0 ? 1 : calls);
    double figures[REPLAY_FIGURES] = {
        [REPLAY_PEAK] = head->resident_peak > base ? (double)(head->resident_peak - base) : 0,
        [REPLAY_MEAN] = measure_mean(program, base),
        [REPLAY_CALL] = call * per_call,
        [REPLAY_TOUCH] = touch * per_call,
        [REPLAY_SLOWEST] = measure_percentile(head, threads, calls, 0.9999) * tick,
        [REPLAY_FAULTS] = (double)head->faults,
    };
    for (int i = 0; i < REPLAY_FIGURES; i++) {
        results->runs[i] = xgrow(results->runs[i], results->count, sizeof *results->runs[i]);
        results->runs[i][results->count] = figures[i];
    }
    results->count++;
    results->failed = failed;
    results->files = (double)head->files;
    if (results->resident == NULL)
        results->resident = xcalloc(head->epochs, sizeof *results->resident);
    for (uint32_t i = 0; i < head->epochs; i++)
        results->resident[i] += epochs[i].resident > base ? (double)(epochs[i].resident - base) : 0;
}

void replay_measure(const struct replay_program *program, struct replay_allocator *allocator) {
    measure_base();
    replay_program_reset(program);
    int status = measure_run(program->file, allocator->library, allocator->options, false);
    if (WIFSIGNALED(status))
        errx(EXIT_OWN_FAILURE, "the replay on %s was killed by signal %d (%s)", allocator->name,
             WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (program->head->is_complete == 0)
        errx(EXIT_OWN_FAILURE, "the replay on %s has failed", allocator->name);
    measure_keep(program, &allocator->results);
}

/* ---- estimates ---- */

/* The quantiles of Student's distribution for 1, 2, ... degrees of freedom. */
static double measure_quantile(size_t freedom) {
    static const double quantiles[] = {12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23};
    size_t count = sizeof quantiles / sizeof quantiles[0];
    return freedom <= count ? quantiles[freedom - 1] : freedom <= 20 ? 2.2 : 2.0;
}

struct replay_estimate replay_estimate(const struct replay_results *results,
                                       enum replay_figure figure) {
    double sum = 0, squares = 0;
    size_t count = results->count;
    for (size_t i = 0; i < count; i++) sum += results->runs[figure][i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (results->runs[figure][i] - mean) * (results->runs[figure][i] - mean);
    if (count < 2) return (struct replay_estimate){mean, 0};
    double deviation = sqrt(squares / (double)(count - 1));
    return (struct replay_estimate){mean,
                                    measure_quantile(count - 1) * deviation / sqrt((double)count)};
}

double replay_resident(const struct replay_results *results, size_t epoch) {
    return results->resident[epoch] / (double)results->count;
}

void replay_results_free(struct replay_results *results) {
    for (int i = 0; i < REPLAY_FIGURES; i++) free(results->runs[i]);
    free(results->resident);
}
