/* Small programs, run one after another as by a shell or a build: measures the cost of starting. */
#include "bench.h"
#include "workloads.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Finds the program `tiny`, which is in the same directory as this one. */
static void find_program(char *path, size_t room) {
    static const char name[] = "tiny";
    ssize_t length = readlink("/proc/self/exe", path, room - sizeof name);
    if (length < 0) bench_fail("cannot read /proc/self/exe");
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, name);
}

void tiny(size_t steps) {
    char path[4096];
    char *argv[] = {path, NULL};
    find_program(path, sizeof path);
    for (; steps > 0; steps--) {
        pid_t child;
        int status = 0;
        if (posix_spawn(&child, path, NULL, NULL, argv, environ))
            bench_fail("cannot start the program tiny");
        if (waitpid(child, &status, 0) < 0 || status) bench_fail("the program tiny failed");
    }
}
