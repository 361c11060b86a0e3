/* While other threads allocate, vfork, posix_spawn, fork, system() and exec from a thread work. */
#define _GNU_SOURCE
#include "processes.h"
#include "background.h"
#include "check.h"

#include <spawn.h>
#include <string.h>

enum { ROUNDS = 20, THREADS = 2 };

static char executed[] = "executed";

static void with_vfork(char **arguments) {
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0) {
        execv("/proc/self/exe", arguments);
        _exit(EXIT_FAILURE);
    }
    check_child_succeeds(child);
}

static void with_posix_spawn(char **arguments) {
    pid_t child;
    CHECK_EQUAL(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ), 0);
    check_child_succeeds(child);
}

static void with_fork(char **arguments) {
    pid_t child = start_child();
    if (child == 0) {
        execv("/proc/self/exe", arguments);
        _exit(EXIT_FAILURE);
    }
    check_child_succeeds(child);
}

static void *exec_in_thread(void *arguments) {
    execv("/proc/self/exe", arguments);
    _exit(EXIT_FAILURE);
}

static void from_a_thread(char **arguments) {
    pid_t child = start_child();
    if (child == 0) run_in_thread(exec_in_thread, arguments);
    check_child_succeeds(child);
}

int main(int argc, char **argv) {
    char *arguments[] = {argv[0], executed, NULL};
    if (argc > 1 && strcmp(argv[1], executed) == 0) {
        struct churn churn = {.random = 1};
        churn_steps(&churn, 1000);
        churn_finish(&churn);
        return EXIT_SUCCESS;
    }
    start_background(THREADS);
    for (int i = 0; i < ROUNDS; i++) {
        with_vfork(arguments);
        with_posix_spawn(arguments);
        with_fork(arguments);
        from_a_thread(arguments);
        CHECK_EQUAL(system("exit 0"), 0);
    }
    stop_background();
}
