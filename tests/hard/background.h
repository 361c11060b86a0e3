/* Threads that use the heap until stop_background is called. */
#ifndef BACKGROUND_H
#define BACKGROUND_H

#include "churn.h"
#include "threads.h"

#include <stdatomic.h>

enum { HIGHEST_BACKGROUND = 4 };

static struct {
    atomic_bool stop;
    int count;
    pthread_t threads[HIGHEST_BACKGROUND];
} background;

static void *background_thread(void *seed) {
    struct churn churn = {.random = (uintptr_t)seed};
    while (!background.stop) churn_steps(&churn, 100);
    churn_finish(&churn);
    return NULL;
}

static inline void start_background(int count) {
    CHECK(count <= HIGHEST_BACKGROUND);
    background.count = count;
    for (int i = 0; i < count; i++)
        background.threads[i] = start_thread(background_thread, (void *)(uintptr_t)(i + 1000));
}

static inline void stop_background(void) {
    background.stop = true;
    for (int i = 0; i < background.count; i++) join_thread(background.threads[i]);
}

#endif
