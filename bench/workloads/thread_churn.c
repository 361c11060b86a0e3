/* Short-lived threads, two at a time. The main thread frees the blocks that they leave behind. */
#include "bench.h"
#include "workloads.h"

enum { THREADS = 2, BLOCKS = 200, LEFT = 20 };

static void live_shortly(void *context, size_t index) {
    void *(*left)[LEFT] = context;
    void *blocks[BLOCKS];
    struct rng rng = {8 + index};
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = block_new(rng_size(&rng));
    memcpy(left[index], blocks, sizeof left[index]);
    for (size_t i = LEFT; i < BLOCKS; i++) block_drop(blocks[i]);
}

void thread_churn(size_t steps) {
    void *left[THREADS][LEFT];
    for (; steps >= THREADS; steps -= THREADS) {
        run_threads(THREADS, live_shortly, left);
        for (size_t i = 0; i < THREADS * LEFT; i++) block_drop(left[i / LEFT][i % LEFT]);
    }
}
