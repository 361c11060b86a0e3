/* Runs a function in a child, and collects the report that the child writes to standard error. */
#ifndef CHILD_REPORT_H
#define CHILD_REPORT_H

#include "check.h"
#include "processes.h"

#include <stdbool.h>
#include <sys/resource.h>

/* Keeps what fits, but reads to the end, so that the writer never finds the pipe closed. */
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

/* Calls ACT in a child, which exits with status 0 if ACT returns. Returns the child's status. */
static inline int run_with_report(void (*act)(const void *), const void *argument, char *report,
                                  size_t size) {
    int ends[2], status;
    CHECK_EQUAL(pipe(ends), 0);
    pid_t child = start_child();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        dup2(ends[1], STDERR_FILENO);
        act(argument);
        _exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    read_report(ends[0], report, size);
    close(ends[0]);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    return status;
}

#endif
