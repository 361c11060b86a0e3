/* Allocates many blocks and then frees all of them: in order, in reverse, at random. The sizes are
 * mixed, small and mixed, or all the same. */
#include "bench.h"
#include "workloads.h"

#include <stdbool.h>

enum { BATCH = 20000 };

static void *blocks[BATCH];
static struct rng rng;

static void fill(void) {
    for (size_t i = 0; i < BATCH; i++) blocks[i] = block_new(rng_size(&rng));
}

static void drop_in_order(size_t count) {
    for (size_t i = 0; i < count; i++) block_drop(blocks[i]);
}

static void drop_in_reverse(size_t count) {
    for (size_t i = count; i-- > 0;) block_drop(blocks[i]);
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
        drop_in_order(BATCH);
    }
}

void batch_lifo(size_t steps) {
    for (; steps >= BATCH; steps -= BATCH) {
        fill();
        drop_in_reverse(BATCH);
    }
}

void batch_random(size_t steps) {
    for (; steps >= BATCH; steps -= BATCH) {
        fill();
        shuffle();
        drop_in_order(BATCH);
    }
}

/* The size of all blocks of the batches of one size; a batch has 8 MB. */
enum { ONE_SIZE = 400 };

static void fill_one_size(void) {
    for (size_t i = 0; i < BATCH; i++) blocks[i] = block_new(ONE_SIZE);
}

void batch_one_fifo(size_t steps) {
    for (; steps >= BATCH; steps -= BATCH) {
        fill_one_size();
        drop_in_order(BATCH);
    }
}

void batch_one_lifo(size_t steps) {
    for (; steps >= BATCH; steps -= BATCH) {
        fill_one_size();
        drop_in_reverse(BATCH);
    }
}

/* Fewer blocks, from 16 to 256 bytes, which fit into the processor's caches: the calls themselves
 * take most of the time. Batches are freed in order and in reverse in turn. */
void batch_mixed(size_t steps) {
    enum { SMALL_BATCH = 4000, SMALL_MIN = 16, SMALL_MAX = 256 };
    for (bool reverse = false; steps >= SMALL_BATCH; steps -= SMALL_BATCH, reverse = !reverse) {
        for (size_t i = 0; i < SMALL_BATCH; i++)
            blocks[i] = block_new(rng_between(&rng, SMALL_MIN, SMALL_MAX));
        (reverse ? drop_in_reverse : drop_in_order)(SMALL_BATCH);
    }
}
