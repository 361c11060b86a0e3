/* Makes a wrong call in a child and checks its report. */
#ifndef REPORTED_H
#define REPORTED_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "child_report.h"

struct expectation {
    const char *cause, *function;
};

static inline bool report_fits(const char *report, struct expectation expected) {
    char start[64], function[64];
    snprintf(start, sizeof start, "mallow: %s of 0x", expected.cause);
    snprintf(function, sizeof function, ", %s: ", expected.function);
    return strncmp(report, start, strlen(start)) == 0 && strstr(report, function) != NULL;
}

/* Makes the call in a child. Returns true if the child aborts with the expected report. */
static inline bool is_reported(void (*call)(const void *), const void *argument,
                               struct expectation expected) {
    char report[4096];
    int status = run_with_report(call, argument, report, sizeof report);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && report_fits(report, expected))
        return true;
    fprintf(stderr, "expected %s in %s, got status %#x and the report: %s\n", expected.cause,
            expected.function, (unsigned)status, report);
    return false;
}

#endif
