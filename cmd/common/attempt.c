#include "common/attempt.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/command.h"
#include "common/printable.h"
#include "common/xalloc.h"

/* Files in memory, because a pipe could fill up while this process waits for the other one. */
static bool attempt_open(struct attempt *attempt) {
    attempt->output = memfd_create("mallow", MFD_CLOEXEC);
    attempt->messages = memfd_create("mallow", MFD_CLOEXEC);
    if (attempt->output >= 0 && attempt->messages >= 0) return true;
    if (attempt->output >= 0) close(attempt->output);
    if (attempt->messages >= 0) close(attempt->messages);
    return false;
}

static _Noreturn void attempt_run(void (*work)(FILE *to, void *with), void *with, int output,
                                  int messages) {
    FILE *to = fdopen(output, "w");
    if (to == NULL || dup2(messages, STDERR_FILENO) < 0) _exit(EXIT_OWN_FAILURE);
    work(to, with);
    _exit(fflush(to) == 0 ? 0 : EXIT_OWN_FAILURE);
}

/* Returns the content of the file and closes it. */
static char *attempt_take(int fd) {
    off_t length = lseek(fd, 0, SEEK_END);
    char *text = xcalloc(1, (size_t)(length < 0 ? 0 : length) + 1);
    for (off_t at = 0, n; at < length; at += n) {
        n = pread(fd, text + at, (size_t)(length - at), at);
        if (n <= 0) break;
    }
    close(fd);
    return text;
}

/* Returns the message without the name of the command and the newline. */
static char *attempt_reason(char *message) {
    const char *name = program_invocation_short_name;
    size_t length = strlen(name);
    char *start = message;
    if (strncmp(message, name, length) == 0 && strncmp(message + length, ": ", 2) == 0)
        start += length + 2;
    start[strcspn(start, "\n")] = '\0';
    make_printable(start, strlen(start), "");
    char *reason = xstrdup(*start == '\0' ? "the attempt failed without a message" : start);
    free(message);
    return reason;
}

bool attempt_start(struct attempt *attempt, void (*work)(FILE *to, void *with), void *with) {
    if (!attempt_open(attempt)) return false;
    fflush(stdout);
    attempt->copy = fork();
    if (attempt->copy == 0) attempt_run(work, with, attempt->output, attempt->messages);
    if (attempt->copy > 0) return true;
    int error = errno;
    close(attempt->output);
    close(attempt->messages);
    errno = error;
    return false;
}

int attempt_end(struct attempt *attempt, int status, char **reason) {
    char *message = attempt_take(attempt->messages);
    *reason = NULL;
    if (status == 0) {
        free(message);
        return attempt->output;
    }
    close(attempt->output);
    *reason = attempt_reason(message);
    return -1;
}

char *attempt(void (*work)(FILE *to, void *with), void *with, char **reason) {
    struct attempt attempt;
    int status = -1;
    if (!attempt_start(&attempt, work, with)) err(EXIT_OWN_FAILURE, "cannot start a process");
    TEMP_FAILURE_RETRY(waitpid(attempt.copy, &status, 0));
    int output = attempt_end(&attempt, status, reason);
    return output < 0 ? NULL : attempt_take(output);
}
