/*
 * A process that is careless with descriptors, or asked by others:
 *     process daemon DATA   closes all descriptors, opens DATA at nearly every number, and then
 *                           frees a block twice
 *     process replace LOG   renames LOG to LOG.old, makes a new file of the name, closes all
 *                           descriptors, and then frees a block twice
 *     process count         prints how many descriptors are open
 *     process trace         traces itself, and forks a child that prints its number, waits for a
 *                           line on standard input and traces itself too
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <mcheck.h>
#include <string.h>
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

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "daemon") == 0) be_daemon(argv[2]);
    if (strcmp(what, "replace") == 0) replace(argv[2]);
    if (strcmp(what, "count") == 0) printf("%d\n", count_descriptors());
    if (strcmp(what, "trace") == 0) trace();
}
