/* Makes a wrong call in a child and checks its report. */
#ifndef REPORTED_H
#define REPORTED_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

struct expectation {
    const char *cause, *function;
};

/* Makes the call, and exits with status 0 if it returns. */
static inline void call_with_errors_to(int fd, void (*call)(const void *), const void *argument) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(fd, STDERR_FILENO);
    call(argument);
    _exit(0);
}

static inline bool report_fits(const char *report, struct expectation expected) {
    char start[64], function[64];
    snprintf(start, sizeof start, "mallow: %s of 0x", expected.cause);
    snprintf(function, sizeof function, ", %s: ", expected.function);
    return strncmp(report, start, strlen(start)) == 0 && strstr(report, function) != NULL;
}

/* Reads to the end, because the writer must not find the pipe closed, and keeps what fits. */
static inline void read_report(int fd, char *report, size_t size) {
    size_t length = 0;
    char rest[512];
    for (;;) {
        bool full = length == size - 1;
        ssize_t more =
            read(fd, full ? rest : report + length, full ? sizeof rest : size - 1 - length);
        if (more <= 0) break;
        if (!full) length += (size_t)more;
    }
    report[length] = '\0';
}

/* Makes the call in a child. Returns true if the child aborts with the expected report. */
static inline bool is_reported(void (*call)(const void *), const void *argument,
                               struct expectation expected) {
    char report[4096];
    int ends[2], status;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) call_with_errors_to(ends[1], call, argument);
    close(ends[1]);
    read_report(ends[0], report, sizeof report);
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && report_fits(report, expected))
        return true;
    fprintf(stderr, "expected %s in %s, got status %#x and the report: %s\n", expected.cause,
            expected.function, (unsigned)status, report);
    return false;
}

#endif
