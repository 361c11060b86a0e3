/* Jobs: work in copies of this process. */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "serve.h"

/* Clients that ask for long differences must not keep others from the metrics. */
static const unsigned serve_job_limits[] = {
    [SERVE_METRICS] = 1, [SERVE_PROFILE] = 8, [SERVE_BASE] = 1, [SERVE_PUSH] = 1};

static struct serve_job *serve_jobs;

/* ---- in the copy ---- */

/* Closes all descriptors except the standard ones and two. Clients must see at once when this
 * process closes a connection. */
static void serve_job_close(int one, int other) {
    int low = one < other ? one : other, high = one < other ? other : one;
    if (low > 3) close_range(3, (unsigned)low - 1, 0);
    if (high > low + 1) close_range((unsigned)(low < 2 ? 2 : low) + 1, (unsigned)high - 1, 0);
    close_range((unsigned)(high < 2 ? 2 : high) + 1, ~0u, 0);
}

static void serve_job_run(FILE *to, void *with) {
    const struct serve_job *job = with;
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    serve_job_close(fileno(to), job->base);
    job->work(to, with);
}

/* ---- in this process ---- */

struct serve_job *serve_job_start(const struct serve_job *job) {
    unsigned running = 0;
    for (const struct serve_job *other = serve_jobs; other != NULL; other = other->next)
        running += other->kind == job->kind;
    errno = EBUSY;
    if (running >= serve_job_limits[job->kind]) return NULL;
    struct serve_job *copy = xcalloc(1, sizeof *copy);
    *copy = *job;
    if (!attempt_start(&copy->attempt, serve_job_run, copy)) {
        int error = errno;
        free(copy);
        errno = error;
        return NULL;
    }
    copy->next = serve_jobs;
    serve_jobs = copy;
    return copy;
}

void serve_job_cancel(struct serve_job *job) { kill(job->attempt.copy, SIGKILL); }

static void serve_job_end(struct serve_job *job, int status) {
    char *reason;
    int output = attempt_end(&job->attempt, status, &reason);
    bool is_late = output < 0 && clock_ms() >= job->deadline;
    job->done(job, output, is_late ? "the process did not answer in time" : reason,
              WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_OWN_FAILURE);
    free(reason);
    free(job);
}

void serve_job_reap(void) {
    int status;
    for (pid_t copy; (copy = waitpid(-1, &status, WNOHANG)) > 0;) {
        struct serve_job **place = &serve_jobs;
        while (*place != NULL && (*place)->attempt.copy != copy) place = &(*place)->next;
        struct serve_job *job = *place;
        if (job == NULL) continue;
        *place = job->next;
        serve_job_end(job, status);
    }
}

void serve_job_check(void) {
    int64_t now = clock_ms();
    for (struct serve_job *job = serve_jobs; job != NULL; job = job->next)
        if (now >= job->deadline) serve_job_cancel(job);
}
