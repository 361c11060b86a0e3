/* Helpers that the tests of check=full and check=hard share. */
#ifndef CHECKED_H
#define CHECKED_H

#include "threads.h"

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool is_filled(const char *start, size_t bytes, uint8_t value) {
    for (size_t i = 0; i < bytes; i++)
        if ((uint8_t)start[i] != value) return false;
    return true;
}

/* Returns the number of frees of the size until the slot is used again. */
static inline size_t frees_until_reuse(char *(*take)(size_t size), void (*give)(char *block),
                                       const char *freed, size_t size) {
    for (size_t frees = 0; frees < 20000; frees++) {
        char *block = take(size);
        if (block == freed) return frees;
        give(block);
    }
    return SIZE_MAX;
}

/* ---- several threads free the same blocks ---- */

enum { SHARED = 3000, RACERS = 2 };
static char *shared[SHARED];
static _Atomic int met, freed_blocks;

/* Lets the threads meet at the same block. The last one notices it first, so it waits a little. */
static inline void meet(int block) {
    bool last = met++ % RACERS == RACERS - 1;
    for (volatile int wait = last ? block % 128 : 0; wait > 0;) wait = wait - 1;
    for (int looks = 0; met < RACERS * (block + 1); looks++)
        if (looks > 1000) sched_yield();
}

/* Exactly one thread must free each of the shared blocks. `free_all` calls meet before each free,
 * and counts the frees that succeed in freed_blocks. */
static inline void check_race(char *(*take)(size_t size), void *(*free_all)(void *)) {
    pthread_t threads[RACERS];
    for (int i = 0; i < SHARED; i++) shared[i] = take(50);
    for (int i = 0; i < RACERS; i++) threads[i] = start_thread(free_all, NULL);
    for (int i = 0; i < RACERS; i++) join_thread(threads[i]);
    CHECK_EQUAL(freed_blocks, SHARED);
}

#endif
