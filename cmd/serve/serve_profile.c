/* The profiles that are served, in pprof's format. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/command.h"
#include "control/control.h"
#include "profiles/profile.h"
#include "profiles/profile_input.h"
#include "serve.h"
#include "sites/export.h"

static const double serve_profile_minus[EXPORT_VALUES] = {-1, -1, -1, -1};

struct profile *serve_profile_request(const struct serve_job *job) {
    serve_target_sample(job->process);
    return profile_request(job->process);
}

struct profile *serve_profile_base(const struct serve_job *job) {
    struct profile *profile;
    const char *reason = profile_take(job->process, job->base, &profile);
    if (reason != NULL) errx(EXIT_OWN_FAILURE, "the earlier profile %s", reason);
    return profile;
}

static void serve_profile_wait(unsigned long seconds) {
    struct timespec pause = {.tv_sec = (time_t)seconds};
    while (nanosleep(&pause, &pause) != 0 && errno == EINTR) continue;
}

/* Returns the profile that is subtracted, or NULL. */
static struct profile *serve_profile_before(const struct serve_job *job) {
    if (job->seconds == 0) return job->profile == SERVE_GROWTH ? serve_profile_base(job) : NULL;
    struct profile *before = serve_profile_request(job);
    serve_profile_wait(job->seconds);
    return before;
}

void serve_profile_check(const struct profile *before, const struct profile *now) {
    const struct profile_section *a = before->sections[before->count - 1];
    const struct profile_section *b = now->sections[now->count - 1];
    if (strcmp(a->program, b->program) != 0 || !profile_has_same_nodes(a, b))
        errx(SERVE_OTHER_PROGRAM, "process %d has executed another program", (int)now->process);
}

/* A difference has no threads: blocks that are live at both moments would appear in it if the
 * samples of a stack had other threads at each. */
void serve_profile_write(FILE *to, void *with) {
    const struct serve_job *job = with;
    struct export *export = export_open();
    struct profile *before = serve_profile_before(job);
    struct profile *now = serve_profile_request(job);
    export->without_threads = before != NULL;
    export_add(export, now, export_all);
    if (before != NULL) {
        serve_profile_check(before, now);
        export_add(export, before, serve_profile_minus);
    }
    if (job->profile == SERVE_GROWTH) export_keep_growth(export);
    export_write_pprof(to, export,
                       job->profile == SERVE_ALLOCS ? EXPORT_ALLOCATED_BYTES : EXPORT_LIVE_BYTES);
}

void serve_base_write(FILE *to, void *with) {
    static const struct control_limits limits = {60, 4096};
    const struct serve_job *job = with;
    unsigned char *bytes;
    size_t count;
    int fd = -1;
    serve_target_sample(job->process);
    free(control_request_descriptor(job->process, "profile", limits, &fd));
    const char *reason = profile_input_read_descriptor(fd, &bytes, &count);
    if (reason != NULL) errx(EXIT_OWN_FAILURE, "the profile of the process %s", reason);
    fwrite(bytes, 1, count, to);
}
