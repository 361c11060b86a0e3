/*
 * If the first thread ends by pthread_exit or by cancellation, the process still ends by exit() in
 * its last thread. If it ends by the system call exit, the process still ends, but without exit().
 *     first_thread exits|cancelled|dies MILLISECONDS
 * Another thread lives for MILLISECONDS; with -1 there is none.
 */
#include "check.h"
#include "processes.h"
#include "threads.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

static void *last(void *milliseconds) {
    usleep((useconds_t)(uintptr_t)milliseconds * 1000);
    return NULL;
}

static void end_first_thread(const char *how) {
    if (strcmp(how, "exits") == 0) pthread_exit(NULL);
    if (strcmp(how, "cancelled") == 0) {
        pthread_cancel(pthread_self());
        pthread_testcancel();
    }
    syscall(SYS_exit, 0);
}

static void run_child(const char *how, int milliseconds) {
    if (milliseconds >= 0) pthread_detach(start_thread(last, (void *)(uintptr_t)milliseconds));
    printf("written by exit()");
    end_first_thread(how);
}

/* The buffered text reaches the pipe only if exit() ran. */
int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 3);
    int ends[2];
    char text[64];
    CHECK_EQUAL(pipe(ends), 0);
    pid_t child = start_child();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[1]);
        run_child(argv[1], atoi(argv[2]));
    }
    close(ends[1]);
    ssize_t length = read(ends[0], text, sizeof text);
    bool runs_exit = strcmp(argv[1], "dies") != 0;
    CHECK_EQUAL(length, runs_exit ? (ssize_t)strlen("written by exit()") : 0);
    check_child_succeeds(child);
}
