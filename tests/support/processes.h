/* Child processes of a test. A child that fails, dies or hangs fails the test. */
#ifndef PROCESSES_H
#define PROCESSES_H

#include "check.h"

#include <sys/types.h>
#include <sys/wait.h>

/* A hanging child is killed after this time, which is far more than a working one needs. */
enum { HANGING_SECONDS = 600 };

/* Forks a child that is killed if it hangs. */
static inline pid_t start_child(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) alarm(HANGING_SECONDS);
    return child;
}

static inline void check_child_succeeds(pid_t child) {
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        check_failed("the child %d died by signal %d\n", (int)child, WTERMSIG(status));
    CHECK_EQUAL(WEXITSTATUS(status), 0);
}

#endif
