/*
 *     fork_routes ROUTE [LIBRARY]
 *
 * The library's fork handlers run in the child, however a program forks for the first time, and
 * before those of the program. A control thread in the child shows that they have run.
 */
#define _GNU_SOURCE
#include "check.h"
#include "processes.h"

#include <dirent.h>
#include <gnu/lib-names.h>
#include <pthread.h>
#include <pty.h>
#include <spawn.h>
#include <string.h>

static int count_threads(void) {
    int threads = 0;
    DIR *directory = opendir("/proc/self/task");
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        threads += entry->d_name[0] != '.';
    closedir(directory);
    return threads;
}

static void check_child(pid_t child) {
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(count_threads() > 1);
        _exit(EXIT_SUCCESS);
    }
    check_child_succeeds(child);
}

static void by_function(const char *library, int mode, const char *name) {
    pid_t (*function)(void);
    void *handle = dlopen(library, RTLD_NOW | mode);
    CHECK(handle != NULL);
    *(void **)&function = dlsym(handle, name);
    CHECK(function != NULL);
    check_child(function());
}

static int threads_in_handler;

static void own_handler(void) { threads_in_handler = count_threads(); }

static void with_own_handler(void) {
    CHECK_EQUAL(pthread_atfork(NULL, NULL, own_handler), 0);
    pid_t child = start_child();
    if (child == 0) {
        CHECK(threads_in_handler > 1);
        _exit(EXIT_SUCCESS);
    }
    check_child_succeeds(child);
}

/* daemon() ends its caller, so a program of its own calls it, and writes a byte if all is well. */
static void by_daemon(char *const *argv) {
    int ends[2];
    char number[16], byte, *arguments[] = {argv[0], (char[]){"daemon"}, number, NULL};
    pid_t child;
    CHECK_EQUAL(pipe(ends), 0);
    snprintf(number, sizeof number, "%d", ends[1]);
    CHECK_EQUAL(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ), 0);
    close(ends[1]);
    CHECK_EQUAL(read(ends[0], &byte, 1), 1);
    check_child_succeeds(child);
}

static void become_daemon(int out) {
    CHECK_EQUAL(daemon(1, 1), 0);
    CHECK(count_threads() > 1);
    CHECK_EQUAL(write(out, "", 1), 1);
    _exit(EXIT_SUCCESS);
}

static void by_forkpty(void) {
    int terminal;
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    if (child == 0) {
        CHECK(count_threads() > 1);
        _exit(EXIT_SUCCESS);
    }
    if (child < 0) skip("no terminal");
    check_child_succeeds(child);
}

int main(int argc, char **argv) {
    const char *route = argc > 1 ? argv[1] : "fork", *library = argc > 2 ? argv[2] : NULL;
    if (!running_on_mallow()) skip("libc has no control thread");
    CHECK(count_threads() > 1);
    if (strcmp(route, "fork") == 0) check_child(fork());
    if (strcmp(route, "__fork") == 0) by_function(NULL, 0, "__fork");
    if (strcmp(route, "handle") == 0) by_function(LIBC_SO, 0, "fork");
    if (strcmp(route, "deep") == 0) by_function(library, RTLD_DEEPBIND, "deep_fork");
    if (strcmp(route, "handler") == 0) with_own_handler();
    if (strcmp(route, "forkpty") == 0) by_forkpty();
    if (strcmp(route, "daemon") == 0) {
        if (library == NULL)
            by_daemon(argv);
        else
            become_daemon(atoi(library));
    }
    return 0;
}
