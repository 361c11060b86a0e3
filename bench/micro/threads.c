/*
 * threads BLOCKS: 64 threads each hold one block in each of BLOCKS classes (16 bytes apart) and
 * have written to them; prints the anonymous memory before and with the threads. With 0 classes
 * it shows what the threads alone need.
 */
#include "anonymous.h"

#include <pthread.h>
#include <stdio.h>

enum { THREADS = 64, CLASS_STEP = 16 };

static pthread_barrier_t all_hold, measured;
static size_t classes;

static void *hold_blocks(void *unused) {
    (void)unused;
    for (size_t size = CLASS_STEP; size <= classes * CLASS_STEP; size += CLASS_STEP) {
        void *block = malloc(size);
        if (!block) abort();
        memset(block, 1, size);
    }
    pthread_barrier_wait(&all_hold);
    pthread_barrier_wait(&measured);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    classes = strtoul(argv[1], NULL, 10);
    pthread_barrier_init(&all_hold, NULL, THREADS + 1);
    pthread_barrier_init(&measured, NULL, THREADS + 1);

    long before = anonymous_kib();
    pthread_t thread;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread, NULL, hold_blocks, NULL)) return 1;
    pthread_barrier_wait(&all_hold);
    long during = anonymous_kib();
    dprintf(STDOUT_FILENO, "before_kib=%ld\nduring_kib=%ld\n", before, during);
    _exit(0);
}
