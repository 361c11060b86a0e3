/*
 * No heap function is a cancellation point. Threads that are cancelled at random points can free
 * their blocks in their clean-up handlers.
 */
#include "check.h"
#include "churn.h"
#include "threads.h"

#include <malloc.h>
#include <stdbool.h>

enum { THREADS = 200 };

static void finish(void *churn) { churn_finish(churn); }

static void *churn_until_cancelled(void *seed) {
    struct churn churn = {.random = (uintptr_t)seed};
    pthread_cleanup_push(finish, &churn);
    for (;;) {
        churn_steps(&churn, 10);
        pthread_testcancel();
    }
    pthread_cleanup_pop(1);
    return NULL;
}

static void at_random(void) {
    static struct churn churn = {.random = 1};
    for (uintptr_t i = 1; i <= THREADS; i++) {
        pthread_t thread = start_thread(churn_until_cancelled, (void *)i);
        churn_steps(&churn, (int)random_below(&churn.random, 200));
        CHECK_EQUAL(pthread_cancel(thread), 0);
        CHECK(join_thread(thread) == PTHREAD_CANCELED);
    }
    churn_finish(&churn);
}

static volatile bool reached;

static void *use_heap_while_cancelled(void *unused) {
    pthread_cancel(pthread_self());
    for (size_t size = 1; size < 300000000; size *= 3) {
        free(realloc(malloc(size), 2 * size));
        free(calloc(1, size));
        free(memalign(1 << 16, size));
    }
    malloc_trim(0);
    reached = true;
    pthread_testcancel();
    return unused;
}

int main(void) {
    CHECK(run_in_thread(use_heap_while_cancelled, NULL) == PTHREAD_CANCELED);
    CHECK(reached);
    at_random();
}
