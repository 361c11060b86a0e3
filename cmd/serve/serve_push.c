/*
 * When profiles are pushed to a Pyroscope server, and from which profile differences begin.
 *
 * A push contains the allocations since the last push that succeeded. After a failure, the next
 * push therefore covers the whole time, and no allocation is lost.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "serve.h"
#include "serve_push.h"

#define SERVE_BASE_RETRY_MS 15000
#define SERVE_BASE_MS 90000
#define SERVE_PUSH_MS 150000
#define SERVE_BACKOFF_MIN_MS 1000
#define SERVE_BACKOFF_MAX_MS 60000

static struct {
    int first;          /* the first profile; -1: none yet */
    int last;           /* the profile that was pushed last, or the first one; -1: none yet */
    uint64_t last_time; /* of it, in seconds since 1970 */
    pid_t process;      /* that both are of */
    int64_t next_base, next_push; /* by clock_ms() */
    int64_t backoff;              /* 0: the last push succeeded */
    bool is_running;
    char *complaint; /* the last message about a failure */
} serve_push_state = {.first = -1, .last = -1};

int serve_push_base(void) {
    return serve_push_state.process == serve_target() ? serve_push_state.first : -1;
}

/* Prints each message once, and not again before it changes. */
static void serve_push_complain(const char *what, const char *reason) {
    char *message = reason == NULL ? NULL : xasprintf("%s: %s", what, reason);
    const char *before = serve_push_state.complaint;
    if (message != NULL && (before == NULL || strcmp(before, message) != 0)) warnx("%s", message);
    free(serve_push_state.complaint);
    serve_push_state.complaint = message;
}

void serve_push_forget(void) {
    if (serve_push_state.last >= 0 && serve_push_state.last != serve_push_state.first)
        close(serve_push_state.last);
    if (serve_push_state.first >= 0) close(serve_push_state.first);
    serve_push_state.first = serve_push_state.last = -1;
}

/* ---- the first profile ---- */

static void serve_push_base_ended(struct serve_job *job, int output, const char *reason,
                                  int status) {
    (void)status;
    serve_push_state.is_running = false;
    serve_push_state.next_base = clock_ms() + SERVE_BASE_RETRY_MS;
    serve_push_complain("no profile", reason);
    if (output < 0) return;
    serve_push_state.first = serve_push_state.last = output;
    serve_push_state.last_time = job->time;
    serve_push_state.next_push = clock_ms() + (int64_t)serve_settings.push.seconds * 1000;
}

static void serve_push_start(struct serve_job *job) {
    job->process = serve_push_state.process;
    job->time = (uint64_t)time(NULL);
    serve_push_state.is_running = serve_job_start(job) != NULL;
}

static void serve_push_take_base(void) {
    struct serve_job job = {.kind = SERVE_BASE,
                            .base = -1,
                            .work = serve_base_write,
                            .done = serve_push_base_ended,
                            .deadline = clock_ms() + SERVE_BASE_MS};
    serve_push_start(&job);
}

/* ---- pushing ---- */

/* Waits twice as long after each failure, and up to a quarter longer by chance, so that many
 * processes do not come back at the same moment. */
static int64_t serve_push_pause(void) {
    int64_t pause = serve_push_state.backoff * 2;
    if (pause < SERVE_BACKOFF_MIN_MS) pause = SERVE_BACKOFF_MIN_MS;
    if (pause > SERVE_BACKOFF_MAX_MS) pause = SERVE_BACKOFF_MAX_MS;
    serve_push_state.backoff = pause;
    return pause + random() % (pause / 4);
}

static void serve_push_ended(struct serve_job *job, int output, const char *reason, int status) {
    int64_t interval = (int64_t)serve_settings.push.seconds * 1000;
    serve_push_state.is_running = false;
    serve_push_complain("a push failed", reason);
    if (status == SERVE_OTHER_PROGRAM) serve_push_forget();
    if (output < 0) {
        bool is_final = status == SERVE_PUSH_REFUSED;
        serve_push_state.next_push = clock_ms() + (is_final ? interval : serve_push_pause());
        return;
    }
    serve_push_state.backoff = 0;
    serve_push_state.next_push = clock_ms() + interval;
    if (job->process != serve_push_state.process) {
        close(output);
        return;
    }
    if (serve_push_state.last != serve_push_state.first) close(serve_push_state.last);
    serve_push_state.last = output;
    serve_push_state.last_time = job->time;
}

static void serve_push_push(void) {
    struct serve_job job = {.kind = SERVE_PUSH,
                            .base = serve_push_state.last,
                            .since = serve_push_state.last_time,
                            .work = serve_push_write,
                            .done = serve_push_ended,
                            .deadline = clock_ms() + SERVE_PUSH_MS};
    serve_push_start(&job);
}

void serve_push_check(void) {
    pid_t process = serve_target();
    if (serve_push_state.is_running || process == 0) return;
    if (process != serve_push_state.process) serve_push_forget();
    serve_push_state.process = process;
    if (serve_push_state.first < 0) {
        if (clock_ms() >= serve_push_state.next_base) serve_push_take_base();
    } else if (serve_settings.push.url != NULL && clock_ms() >= serve_push_state.next_push) {
        serve_push_push();
    }
}
