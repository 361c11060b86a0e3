/*
 * An ordinary program: two threads, blocks of many sizes that are passed on, freed and resized, and
 * the other functions of the interface. Prints /proc/self/smaps if it has an argument.
 */
#include "mappings.h"

#include <malloc.h>
#include <pthread.h>

enum { BLOCKS = 600 };

static void *blocks[2][BLOCKS];

static void fill(void **block) {
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = i % 8 == 0 ? 48 : i % 50 == 1 ? i * 700 : 16 + i * 7;
        block[i] = written(malloc(size), size < 2000 ? size : 2000);
    }
}

static void replace(void **block) {
    for (size_t i = 0; i < BLOCKS; i += 2) {
        free(block[i]);
        block[i] = written(i % 4 ? calloc(3, i + 8) : malloc(i + 8), i);
    }
    for (size_t i = 0; i < BLOCKS; i += 5) block[i] = written(realloc(block[i], i * 20 + 1), 1);
}

static void drop(void **block) {
    for (size_t i = 0; i < BLOCKS; i++) free(block[i]);
}

static void *other_thread(void *unused) {
    (void)unused;
    fill(blocks[1]);
    replace(blocks[1]);
    drop(blocks[0]);
    return NULL;
}

static void grow(void) {
    void *block = NULL;
    for (size_t size = 1000; size < 1000000; size *= 2) block = written(realloc(block, size), 1000);
    free(block);
}

int main(int argc, char **argv) {
    (void)argv;
    pthread_t thread;
    for (int round = 0; round < 2; round++) {
        fill(blocks[0]);
        replace(blocks[0]);
        if (pthread_create(&thread, NULL, other_thread, NULL) != 0) return 1;
        pthread_join(thread, NULL);
        drop(blocks[1]);
    }
    usleep(250000); /* memory goes back meanwhile */
    fill(blocks[0]);
    drop(blocks[0]);
    void *aligned = NULL;
    if (posix_memalign(&aligned, 64, 1000) != 0) return 1;
    free(aligned);
    free(written(aligned_alloc(4096, 8192), 8192));
    free(written(memalign(256, 300), malloc_usable_size(NULL) + 300));
    grow();
    if (argc > 1) print_mappings();
    return 0;
}
