/* A process for mallow serve. It does what standard input says, one order a line: "keep N" and
 * "drop N" allocate and free N blocks, "churn N" does both at once, "become" executes the program
 * again. It answers each order with a line. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 3000

struct kept {
    struct kept *next;
    char more[BLOCK - sizeof(void *)];
};

static struct kept *kept;

__attribute__((noinline)) static void keep(void) {
    struct kept *block = malloc(sizeof *block);
    memset(block, 1, sizeof *block);
    block->next = kept;
    kept = block;
}

__attribute__((noinline)) static void drop(void) {
    struct kept *block = kept;
    if (block == NULL) return;
    kept = block->next;
    free(block);
}

__attribute__((noinline)) static void churn(void) {
    char *volatile block = malloc(BLOCK);
    free(block);
}

int main(int argc, char **argv) {
    char line[64];
    void *volatile empty = malloc(0); /* it has a size class of its own */
    (void)argc, (void)empty;
    setvbuf(stdin, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL) {
        long count = strtol(line + strcspn(line, " \n"), NULL, 10);
        if (strcmp(line, "become\n") == 0) execl("/proc/self/exe", argv[0], NULL);
        for (long i = 0; i < count; i++) {
            if (*line == 'k') keep();
            if (*line == 'd') drop();
            if (*line == 'c') churn();
        }
        if (write(STDOUT_FILENO, "done\n", 5) != 5) return 1;
    }
}
