/*
 * A process for the sub-commands that take a PID. It holds 20 MB of free memory between a few live
 * blocks, carries out its argument, prints "ready PID" and waits for the end of standard input.
 *     target [idle | busy | fork | closefrom]
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 20000, SIZE = 1000, KEEP_ONE_IN = 100, FILES = 64 };

static void hold_free_memory(void) {
    static char *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) blocks[i] = memset(malloc(SIZE), 1, SIZE);
    for (int i = 0; i < COUNT; i++)
        if (i % KEEP_ONE_IN != 0) free(blocks[i]);
}

static void *allocate_for_ever(void *unused) {
    (void)unused;
    for (;;) {
        void *blocks[100];
        for (int i = 0; i < 100; i++) blocks[i] = malloc((size_t)i * 50);
        for (int i = 0; i < 100; i++) free(blocks[i]);
    }
    return NULL;
}

static void wait_for_end(void) {
    char byte;
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) continue;
}

/* The library keeps no descriptor open, and the next file gets the lowest number. */
static int closes_all(void) {
    for (int fd = 3; fd < FILES; fd++)
        if (close(fd) == 0) return EXIT_FAILURE;
    return dup(STDIN_FILENO) == 3 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "idle";
    pthread_t thread;
    hold_free_memory();
    if (strcmp(what, "busy") == 0) pthread_create(&thread, NULL, allocate_for_ever, NULL);
    if (strcmp(what, "closefrom") == 0 && closes_all() != EXIT_SUCCESS) return EXIT_FAILURE;
    if (strcmp(what, "fork") == 0 && fork() != 0) {
        wait(NULL);
        return EXIT_SUCCESS;
    }
    wait_for_end();
    _exit(EXIT_SUCCESS);
}
