/*
 * A thread allocates and then is idle while others free its blocks. Their memory is returned to the
 * system even if the owner never allocates again.
 *     idle_owner trim       malloc_trim returns it
 *     idle_owner activity   it is returned while another thread works
 *     idle_owner busy       the owner keeps allocating meanwhile: no block is disturbed
 */
#include "check.h"
#include "pattern.h"
#include "random.h"
#include "resident.h"
#include "threads.h"

#include <malloc.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

enum { BLOCKS = 600000, BYTES = 200, LEFT = 16 << 20, ROUNDS = 60, BATCH = 20000, PATIENCE = 20 };

static void *blocks[BLOCKS];
static sem_t allocated, freed;

static void allocate(size_t count) {
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(BYTES);
        CHECK(blocks[i] != NULL);
        pattern_fill(blocks[i], BYTES, pattern_key(blocks[i], BYTES, i));
    }
}

static void free_all(size_t count) {
    for (size_t i = 0; i < count; i++) {
        CHECK(pattern_holds(blocks[i], BYTES, pattern_key(blocks[i], BYTES, i)));
        free(blocks[i]);
    }
}

static void *allocate_then_wait(void *argument) {
    allocate(BLOCKS);
    sem_post(&allocated);
    sem_wait(&freed);
    allocate(BLOCKS / 2); /* Returned memory is usable again. */
    sem_post(&allocated);
    sem_wait(&freed);
    return argument;
}

static void work(double seconds) {
    time_t end = time(NULL) + (time_t)seconds;
    while (time(NULL) <= end) {
        static void *few[1000];
        for (size_t i = 0; i < 1000; i++) few[i] = malloc(1000 + i * 30);
        for (size_t i = 0; i < 1000; i++) free(few[i]);
    }
}

static void idle_owner(int by_trim) {
    size_t before = resident_bytes();
    pthread_t owner = start_thread(allocate_then_wait, NULL);
    sem_wait(&allocated);
    CHECK(resident_bytes() > before + (size_t)BLOCKS * BYTES);
    free_all(BLOCKS);
    if (by_trim)
        CHECK_EQUAL(malloc_trim(0), 1);
    else
        for (int i = 0; i < PATIENCE && resident_bytes() >= before + LEFT; i++) work(1);
    dprintf(STDOUT_FILENO, "%zu KiB more than before\n", (resident_bytes() - before) >> 10);
    CHECK(resident_bytes() < before + LEFT);
    sem_post(&freed);
    sem_wait(&allocated);
    free_all(BLOCKS / 2);
    sem_post(&freed);
    join_thread(owner);
}

static void *allocate_in_turn(void *argument) {
    for (int i = 0; i < ROUNDS; i++) {
        allocate(BATCH);
        sem_post(&allocated);
        sem_wait(&freed);
    }
    return argument;
}

static volatile int trimming = 1;

static void *trim_always(void *argument) {
    while (trimming) malloc_trim(0);
    return argument;
}

/* A third thread, which uses its own blocks. */
static void *own_batches(void *argument) {
    struct {
        void *block;
        uint64_t key;
    } kept[500] = {{NULL, 0}};
    uint64_t seed = 7;
    for (int i = 0; i < 600000; i++) {
        size_t at = random_below(&seed, 500);
        if (kept[at].block != NULL) {
            CHECK(pattern_holds(kept[at].block, BYTES, kept[at].key));
            free(kept[at].block);
        }
        kept[at].block = malloc(BYTES);
        kept[at].key = pattern_key(kept[at].block, BYTES, (size_t)i);
        pattern_fill(kept[at].block, BYTES, kept[at].key);
    }
    return argument;
}

/* Frees blocks while their owner allocates from the freed memory and another thread trims. */
static void busy_owner(void) {
    pthread_t trimmer = start_thread(trim_always, NULL);
    pthread_t other = start_thread(own_batches, NULL);
    pthread_t owner = start_thread(allocate_in_turn, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        sem_wait(&allocated);
        size_t half = i % 2 == 0 ? BATCH : BATCH / 2;
        free_all(half);
        if (half < BATCH)
            for (size_t b = half; b < BATCH; b++) free(blocks[b]);
        sem_post(&freed);
    }
    join_thread(owner);
    join_thread(other);
    trimming = 0;
    join_thread(trimmer);
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    sem_init(&allocated, 0, 0);
    sem_init(&freed, 0, 0);
    if (strcmp(argv[1], "busy") == 0)
        busy_owner();
    else
        idle_owner(strcmp(argv[1], "trim") == 0);
}
