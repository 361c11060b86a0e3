/*
 * threads CLASSES [GENERATIONS]: 64 threads hold and have written one block in each of so many size
 * classes, which are 16 bytes apart. Prints the anonymous memory before the threads start and while
 * they hold the blocks. With 0 classes, it shows the memory that the threads themselves need. With
 * more than one generation, the threads free their blocks and end before the next 64 start; the
 * figures of the second and the last generation are printed.
 */
#include "anonymous.h"

#include <pthread.h>
#include <stdio.h>

enum { THREADS = 64, CLASS_STEP = 16, CLASSES_MAX = 64 };

static pthread_barrier_t all_hold, measured;
static size_t classes;

static void *hold_blocks(void *unused) {
    char *blocks[CLASSES_MAX];
    (void)unused;
    for (size_t i = 0; i < classes; i++) {
        size_t size = (i + 1) * CLASS_STEP;
        blocks[i] = malloc(size);
        if (!blocks[i]) abort();
        memset(blocks[i], 1, size);
    }
    pthread_barrier_wait(&all_hold);
    pthread_barrier_wait(&measured);
    for (size_t i = 0; i < classes; i++) free(blocks[i]);
    return NULL;
}

static long one_generation(void) {
    static pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, hold_blocks, NULL)) abort();
    pthread_barrier_wait(&all_hold);
    long during = anonymous_kib();
    pthread_barrier_wait(&measured);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return during;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    classes = strtoul(argv[1], NULL, 10);
    if (classes > CLASSES_MAX) return 2;
    int generations = argc > 2 ? atoi(argv[2]) : 1;
    pthread_barrier_init(&all_hold, NULL, THREADS + 1);
    pthread_barrier_init(&measured, NULL, THREADS + 1);

    long before = anonymous_kib(), second = 0, during = 0;
    for (int i = 1; i <= generations; i++) {
        during = one_generation();
        if (i == 2) second = during;
    }
    dprintf(STDOUT_FILENO, "before_kib=%ld\nsecond_kib=%ld\nduring_kib=%ld\n", before, second,
            during);
    _exit(0);
}
