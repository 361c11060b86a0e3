/* Runs the test program again in a child, and reads what the run writes to standard output. */
#ifndef RERUN_H
#define RERUN_H

#include "check.h"

#include <stdbool.h>
#include <sys/wait.h>

/*
 * Executes this program with the argument "run", and with MORE if it is not NULL, in a child that
 * calls PREPARE first, if it is not NULL. The run must write SIZE bytes, which go to RESULT. The
 * test is skipped if PREPARE returns false.
 */
static inline void run_again(bool (*prepare)(void), const char *more, void *result, size_t size) {
    int ends[2], status;
    CHECK_EQUAL(pipe(ends), 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        if (prepare != NULL && !prepare()) _exit(STATUS_SKIPPED);
        execl("/proc/self/exe", "again", "run", more, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    close(ends[1]);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIPPED) exit(STATUS_SKIPPED);
    CHECK_EQUAL(status, 0);
    CHECK_EQUAL(read(ends[0], result, size), (ssize_t)size);
    close(ends[0]);
}

/* Called by a run: passes its result to run_again. */
static inline void write_result(const void *result, size_t size) {
    CHECK_EQUAL(write(STDOUT_FILENO, result, size), (ssize_t)size);
}

#endif
