#include "control/control.h"

#include <err.h>

#include "common/command.h"
#include "control/control_call.h"

/* Stores the descriptor, or -1, unless `descriptor` is NULL. */
static char *control_request_any(pid_t process, const char *request, struct control_limits limits,
                                 int *descriptor) {
    char *answer, *reason = control_call(process, request, limits, descriptor, &answer);
    if (reason != NULL) errx(EXIT_OWN_FAILURE, "%s", reason);
    return answer;
}

char *control_request(pid_t process, const char *request, struct control_limits limits) {
    return control_request_any(process, request, limits, NULL);
}

char *control_request_descriptor(pid_t process, const char *request, struct control_limits limits,
                                 int *descriptor) {
    char *answer = control_request_any(process, request, limits, descriptor);
    if (*descriptor < 0) errx(EXIT_OWN_FAILURE, "process %d passed no descriptor", (int)process);
    return answer;
}
