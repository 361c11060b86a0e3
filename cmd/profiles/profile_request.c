/* Requests a profile of a running process: the control request "profile". */
#include <ctype.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "control/control.h"
#include "control/target.h"
#include "profiles/profile.h"
#include "profiles/profile_input.h"

/* Writing the samples takes less than a second for each million of them. */
static const struct control_limits PROFILE_REQUEST_LIMITS = {60, 4096};

const char *profile_take(pid_t process, int fd, struct profile **to) {
    unsigned char *bytes = NULL;
    size_t count;
    struct profile *profile = xcalloc(1, sizeof *profile);
    profile->name = xasprintf("process %d", (int)process);
    profile->process = process;
    const char *reason = profile_input_read_descriptor(fd, &bytes, &count);
    close(fd);
    if (reason == NULL) {
        profile->bytes = bytes;
        reason = profile_add_bytes(profile, bytes, count);
    }
    if (reason == NULL && profile->sections[profile->count - 1]->snapshot_count == 0)
        reason = "has no complete snapshot";
    *to = profile;
    return reason;
}

static struct profile *profile_request_by(pid_t process, const char *request) {
    struct profile *profile;
    int fd = -1;
    free(control_request_descriptor(process, request, PROFILE_REQUEST_LIMITS, &fd));
    const char *reason = profile_take(process, fd, &profile);
    if (reason != NULL)
        errx(EXIT_OWN_FAILURE, "the profile of process %d %s", (int)process, reason);
    return profile;
}

struct profile *profile_request(pid_t process) { return profile_request_by(process, "profile"); }

struct profile *profile_request_all(pid_t process) {
    return profile_request_by(process, "profile all");
}

bool profile_operand_is_process(const char *operand) {
    return *operand != '\0' && operand[strspn(operand, "0123456789")] == '\0';
}

struct profile *profile_of_operand(int argc, char **argv) {
    const char *operand = *operands(argc, argv, 1, 1, "PID or FILE");
    if (!profile_operand_is_process(operand)) return profile_read(operand);
    return profile_request(target_process(argc, argv));
}

void profile_select(struct profile *profile, unsigned long process) {
    size_t kept = 0;
    for (size_t i = 0; i < profile->count; i++)
        if (profile->sections[i]->process.pid == process)
            profile->sections[kept++] = profile->sections[i];
    if (kept == 0) errx(EXIT_BAD_PROFILE, "%s has no process %lu", profile->name, process);
    profile->count = kept;
}
