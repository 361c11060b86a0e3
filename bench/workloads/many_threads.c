/* 64 threads at a time, each of which holds one block in each of 32 size classes; repeated many
 * times. */
#include "anonymous.h"
#include "bench.h"
#include "workloads.h"

#include <pthread.h>

enum { THREADS = 64, CLASSES = 32, STEP = 16 };

struct crowd {
    pthread_barrier_t all_hold;
    int measured;
    long before_kib, during_kib;
};

static void hold_blocks(void *context, size_t index) {
    struct crowd *crowd = context;
    void *blocks[CLASSES];
    for (size_t i = 0; i < CLASSES; i++) {
        size_t size = STEP * (i + 1);
        blocks[i] = memset(heap_alloc(size), 1, size);
    }
    pthread_barrier_wait(&crowd->all_hold);
    if (crowd->measured && index == 0) crowd->during_kib = anonymous_kib();
    pthread_barrier_wait(&crowd->all_hold);
    for (size_t i = 0; i < CLASSES; i++) block_drop(blocks[i]);
}

void many_threads(size_t steps) {
    struct crowd crowd = {.measured = 1, .before_kib = anonymous_kib()};
    pthread_barrier_init(&crowd.all_hold, NULL, THREADS);
    for (; steps > 0; steps--) {
        run_threads(THREADS, hold_blocks, &crowd);
        crowd.measured = 0;
    }
    pthread_barrier_destroy(&crowd.all_hold);
    bench_figure("thread_kib", (double)(crowd.during_kib - crowd.before_kib) / THREADS);
}
