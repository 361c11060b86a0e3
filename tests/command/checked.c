/*
 * A program with a heap error, in the situation that its argument names:
 *     checked SITUATION
 * Comments mark the lines that the reports must name.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seccomp.h"

static char *make_name(size_t size) { return malloc(size); /* allocated here */ }

static void drop_name(char *name) { free(name); /* freed here */ }

static void overflow(void) {
    char *volatile name = make_name(40);
    memset(name, 'x', 41); /* written here */
    drop_name(name);
}

static void overflow_unseen(void) {
    char *volatile name = make_name(40);
    name[40] = 'x';
    drop_name(name);
}

static void free_twice(void) {
    char *volatile name = make_name(40);
    drop_name(name);
    drop_name(name);
}

static void *free_twice_in_thread(void *unused) {
    (void)unused;
    free_twice();
    return NULL;
}

static void in_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, free_twice_in_thread, NULL);
    pthread_join(thread, NULL);
}

/* A large block is guarded, so the access itself is detected. */
static void fault(void) {
    char *volatile name = make_name(100000);
    name[100008] = 'x'; /* faulting here */
}

static volatile int children_ended;
static void count_child(int signal) { children_ended += signal == SIGCHLD; }

/* The program has no child, and must not notice one of the library. */
static int childless(void (*on_child)(int)) {
    signal(SIGCHLD, on_child);
    errno = 123;
    free_twice();
    if (errno != 123) return 1;
    if (waitpid(-1, NULL, __WALL) != -1 || errno != ECHILD) return 2;
    return children_ended == 0 ? 0 : 3;
}

/* A filter kills the process if it starts another one. */
static void shut_in(void) {
    if (!filter_call(SYS_clone, SECCOMP_RET_KILL_PROCESS)) exit(77);
    free_twice();
}

static void without_descriptors(void) {
    for (int fd = 0; fd < 3; fd++) close(fd);
    free_twice();
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "overflow") == 0) overflow();
    if (strcmp(what, "unseen") == 0) overflow_unseen();
    if (strcmp(what, "twice") == 0) free_twice();
    if (strcmp(what, "thread") == 0) in_thread();
    if (strcmp(what, "fault") == 0) fault();
    if (strcmp(what, "children_counted") == 0) return childless(count_child);
    if (strcmp(what, "children_ignored") == 0) return childless(SIG_IGN);
    if (strcmp(what, "shut_in") == 0) shut_in();
    if (strcmp(what, "without_descriptors") == 0) without_descriptors();
    return EXIT_SUCCESS;
}
