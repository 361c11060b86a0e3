/*
 * A process that is careless with descriptors, or that other users try to query:
 *     process daemon DATA   closes all descriptors, opens DATA at nearly every number, and then
 *                           frees a block twice
 *     process replace LOG   renames LOG to LOG.old, makes a new file of the name, closes all
 *                           descriptors, and then frees a block twice
 *     process count         prints how many descriptors are open
 *     process trace         traces itself, and forks a child that prints its number, waits for a
 *                           line on standard input and traces itself too
 *     process serve CHANGE...   changes its rights in that order, prints "ready", and waits for the
 *                           end of standard input. Changes: user N and group N (real, effective and
 *                           saved), effective N (the effective user), dumpable N
 *     process thread        like serve, but then ends only its first thread
 *     process environment   prints its environment if it is privileged
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <mcheck.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { LEFT = 20 }; /* descriptors that stay free for what the library opens */

static int limit(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_cur > 4096 ? 4096 : (int)files.rlim_cur;
}

static void close_all(void) {
    for (int fd = 0; fd < limit(); fd++) close(fd);
}

static void free_twice(void) {
    char *volatile block = malloc(100);
    free(block);
    free(block);
}

static void be_daemon(const char *data) {
    close_all();
    for (int fd = 0; fd < limit() - LEFT; fd++)
        if (open(data, O_WRONLY | O_CREAT | O_APPEND, 0600) != fd) _exit(2);
    free_twice();
}

static void replace(const char *log) {
    char old[4096];
    snprintf(old, sizeof old, "%s.old", log);
    CHECK_EQUAL(rename(log, old), 0);
    close(open(log, O_WRONLY | O_CREAT | O_EXCL, 0600));
    close_all();
    free_twice();
}

static int count_descriptors(void) {
    int count = 0;
    DIR *open_files = opendir("/proc/self/fd");
    while (open_files != NULL && readdir(open_files) != NULL) count++;
    return count - 3; /* ".", ".." and its own */
}

static void trace(void) {
    mtrace();
    if (fork() != 0) {
        wait(NULL);
        return;
    }
    printf("%d\n", (int)getpid());
    fflush(stdout);
    if (getchar() != EOF) mtrace();
    free(malloc(100));
    muntrace();
}

static void change(const char *what, unsigned number) {
    int failed = -1;
    if (strcmp(what, "user") == 0) failed = setresuid(number, number, number);
    if (strcmp(what, "group") == 0) failed = setresgid(number, number, number);
    if (strcmp(what, "effective") == 0) failed = seteuid(number);
    if (strcmp(what, "dumpable") == 0) failed = prctl(PR_SET_DUMPABLE, number, 0, 0, 0);
    CHECK_EQUAL(failed, 0);
}

static void serve(char **changes) {
    for (; *changes != NULL; changes += 2) change(changes[0], (unsigned)atoi(changes[1]));
    printf("ready\n");
    fflush(stdout);
    while (getchar() != EOF) continue;
}

static void print_environment(void) {
    if (getauxval(AT_SECURE) == 0) _exit(STATUS_SKIPPED);
    for (char **variable = environ; *variable != NULL; variable++) puts(*variable);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "daemon") == 0) be_daemon(argv[2]);
    if (strcmp(what, "replace") == 0) replace(argv[2]);
    if (strcmp(what, "count") == 0) printf("%d\n", count_descriptors());
    if (strcmp(what, "trace") == 0) trace();
    if (strcmp(what, "serve") == 0) serve(argv + 2);
    if (strcmp(what, "environment") == 0) print_environment();
    if (strcmp(what, "thread") == 0) {
        serve((char *[]){NULL});
        pthread_exit(NULL);
    }
}
