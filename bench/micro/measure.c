/*
 * measure FD PRELOAD PROGRAM ARGUMENT...
 *
 * Runs PROGRAM with LD_PRELOAD=PRELOAD and writes the resources that it used to the descriptor FD.
 * This must be a small program, because the peak memory of a child starts at that of the process
 * that forks it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    int report = atoi(argv[1]);
    fcntl(report, F_SETFD, FD_CLOEXEC);

    double start = now();
    pid_t child = fork();
    if (child < 0) return 125;
    if (child == 0) {
        setenv("LD_PRELOAD", argv[2], 1);
        execvp(argv[3], argv + 3);
        dprintf(STDERR_FILENO, "measure: %s: %s\n", argv[3], strerror(errno));
        _exit(127);
    }
    int status;
    struct rusage used;
    if (wait4(child, &status, 0, &used) < 0) return 125;
    double wall = now() - start;
    dprintf(report, "user=%f\nsystem=%f\nwall=%f\nrss_kib=%ld\nfaults=%ld\n",
            seconds(used.ru_utime), seconds(used.ru_stime), wall, used.ru_maxrss,
            used.ru_minflt + used.ru_majflt);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
