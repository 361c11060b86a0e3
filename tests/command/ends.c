/*
 * Allocates ten blocks of 1000 bytes, frees three and ends as its argument says:
 *     ends exit | _exit | quick_exit | return | abort | SIGNAL-NUMBER | closed | daemon | filter |
 *          error | exec PROGRAM...
 * It takes malloc's address. If it is linked at a fixed address, it therefore has a symbol malloc.
 */
#define _GNU_SOURCE
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 10, FREED = 3, SIZE = 1000 };

static void use_memory(void) {
    static char *volatile blocks[BLOCKS];
    void *(*volatile allocate)(size_t) = malloc;
    for (int i = 0; i < BLOCKS; i++) blocks[i] = allocate(SIZE);
    for (int i = 0; i < FREED; i++) free(blocks[i]);
}

/* The child runs until its standard input ends. */
static void become_daemon(void) {
    char byte;
    if (fork() != 0) _exit(0);
    setsid();
    for (int i = 0; i < 100; i++) use_memory(); /* must not be in the summary */
    printf("%d\n", (int)getpid());
    fflush(stdout);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    while (read(STDIN_FILENO, &byte, 1) > 0) continue;
    _exit(0);
}

static void free_twice(void) {
    char *volatile block = malloc(1);
    free(block);
    free(block);
}

int main(int argc, char **argv) {
    const char *way = argc > 1 ? argv[1] : "return";
    use_memory();
    if (strcmp(way, "exit") == 0) exit(0);
    if (strcmp(way, "_exit") == 0) _exit(0);
    if (strcmp(way, "quick_exit") == 0) quick_exit(0);
    if (strcmp(way, "abort") == 0) abort();
    if (strcmp(way, "daemon") == 0) become_daemon();
    if (strcmp(way, "exec") == 0) execvp(argv[2], argv + 2);
    if (strcmp(way, "error") == 0) free_twice();
    if (strcmp(way, "closed") == 0)
        for (int fd = 0; fd < 1000; fd++) close(fd);
    if (strcmp(way, "filter") == 0) {
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        syscall(SYS_exit, 0); /* The filter does not allow exit_group. */
    }
    if (atoi(way) != 0) raise(atoi(way));
    return 0;
}
