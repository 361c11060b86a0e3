/*
 * Threads that hand over to successors: each works on the blocks of its predecessor, nearly all of
 * which it frees, and in the end starts a successor for its own. The predecessor ends only after
 * the first calls of its successor, which therefore cannot take over the predecessor's heap.
 */
#include "bench.h"
#include "workloads.h"

#include <pthread.h>
#include <semaphore.h>

enum { THREADS = 16, BLOCKS = 2000, LIFE = 10 * BLOCKS, SMALLEST = 8, LARGEST = 1000 };

static struct line {
    void *blocks[BLOCKS];
    struct rng rng;
    size_t lives_left;
    pthread_t last;
    sem_t begun, ended;
} lines[THREADS];

static void replace_block(struct line *line) {
    void **block = &line->blocks[rng_below(&line->rng, BLOCKS)];
    block_drop(*block);
    *block = block_new(rng_between(&line->rng, SMALLEST, LARGEST));
}

static void *live(void *argument);

/* Returns when the thread has made its first calls; from then on, the line belongs to it. */
static void start_thread(struct line *line) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, live, line)) bench_fail("cannot create a thread");
    while (sem_wait(&line->begun)) continue;
}

static void *live(void *argument) {
    struct line *line = argument;
    pthread_t predecessor = line->last;
    line->last = pthread_self();
    replace_block(line);
    sem_post(&line->begun);
    if (predecessor) pthread_join(predecessor, NULL);

    for (size_t i = 1; i < LIFE; i++) replace_block(line);
    if (--line->lives_left > 0)
        start_thread(line);
    else
        sem_post(&line->ended);
    return NULL;
}

static void hand_over(size_t threads, size_t steps) {
    for (size_t i = 0; i < threads; i++) {
        struct line *line = &lines[i];
        line->rng.state = 12 + i;
        line->lives_left = steps / threads / LIFE + 1;
        if (sem_init(&line->begun, 0, 0) || sem_init(&line->ended, 0, 0))
            bench_fail("cannot create a semaphore");
        start_thread(line);
    }
    for (size_t i = 0; i < threads; i++) {
        while (sem_wait(&lines[i].ended)) continue;
        pthread_join(lines[i].last, NULL);
        for (size_t b = 0; b < BLOCKS; b++) block_drop(lines[i].blocks[b]);
    }
}

void succession_2(size_t steps) { hand_over(2, steps); }

void succession_16(size_t steps) { hand_over(16, steps); }
