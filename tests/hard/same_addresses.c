/*
 * Without address randomisation (setarch -R, debuggers) every run has the same addresses; with it,
 * runs have different ones. The program runs itself several times.
 */
#include "check.h"

#include <stdbool.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>

enum { RUNS = 2, SKIPPED = 77, BLOCKS = 300 };

/* Returns a checksum of the addresses of blocks of all sizes. */
static unsigned long addresses(void) {
    static void *blocks[BLOCKS];
    unsigned long sum = 0;
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            blocks[i] = malloc(1 + i * i % 20000);
            sum = sum * 31 + (unsigned long)blocks[i];
        }
        for (size_t i = round; i < BLOCKS; i++) free(blocks[i]);
    }
    return sum;
}

static unsigned long run(bool random, char **argv) {
    int ends[2];
    unsigned long sum = 0;
    CHECK_EQUAL(pipe(ends), 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        if (personality(random ? 0 : ADDR_NO_RANDOMIZE) < 0) _exit(SKIPPED);
        execl("/proc/self/exe", argv[0], "run", (char *)NULL);
        _exit(1);
    }
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) _exit(SKIPPED);
    CHECK_EQUAL(status, 0);
    CHECK_EQUAL(read(ends[0], &sum, sizeof(sum)), (ssize_t)sizeof(sum));
    close(ends[0]);
    close(ends[1]);
    return sum;
}

int main(int argc, char **argv) {
    if (argc > 1) {
        unsigned long sum = addresses();
        CHECK_EQUAL(write(STDOUT_FILENO, &sum, sizeof(sum)), (ssize_t)sizeof(sum));
        return 0;
    }
    unsigned long first = run(false, argv);
    bool others = false;
    for (int i = 0; i < RUNS; i++) {
        setenv("LONGER", &"a longer environment moves the stack"[i], 1);
        CHECK_EQUAL(run(false, argv), first);
        others |= run(true, argv) != first;
    }
    CHECK(others);
}
