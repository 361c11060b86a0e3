/* Allocates many blocks and then frees all of them: in order, in reverse, at random. */
#include "bench.h"
#include "workloads.h"

enum { BATCH = 20000 };

static void *blocks[BATCH];
static struct rng rng;

static void fill(void) {
    for (size_t i = 0; i < BATCH; i++) blocks[i] = block_new(rng_size(&rng));
}

static void shuffle(void) {
    for (size_t i = BATCH - 1; i > 0; i--) {
        size_t other = rng_below(&rng, i + 1);
        void *block = blocks[i];
        blocks[i] = blocks[other];
        blocks[other] = block;
    }
}

void batch_fifo(size_t steps) {
    for (; steps >= BATCH; steps -= BATCH) {
        fill();
        for (size_t i = 0; i < BATCH; i++) block_drop(blocks[i]);
    }
}

void batch_lifo(size_t steps) {
    for (; steps >= BATCH; steps -= BATCH) {
        fill();
        for (size_t i = BATCH; i-- > 0;) block_drop(blocks[i]);
    }
}

void batch_random(size_t steps) {
    for (; steps >= BATCH; steps -= BATCH) {
        fill();
        shuffle();
        for (size_t i = 0; i < BATCH; i++) block_drop(blocks[i]);
    }
}
