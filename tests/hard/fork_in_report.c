/* A child of fork can report an error, even if another thread was writing a report at the fork. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "processes.h"
#include "threads.h"

enum { CHILDREN = 60 };

static void free_twice(void) {
    void *volatile block = malloc(40);
    free(block);
    free(block);
}

static void *report_for_ever(void *argument) {
    for (;;) free_twice();
    return argument;
}

int main(void) {
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    start_thread(report_for_ever, NULL);
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        usleep(500);
        pid_t child = start_child();
        if (child == 0) {
            alarm(300); /* A child that waits for the other thread's report fails here. */
            free_twice();
            _exit(0);
        }
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        CHECK_EQUAL(status, 0);
    }
    _exit(0);
}
