/*
 * A program with little memory: 3 MiB of blocks of 16 bytes to 16 KiB, so that each size class has
 * few of them. It is built, changed a little, and torn down.
 */
#include "bench.h"
#include "workloads.h"

enum { LIVE = 3 << 20, BLOCKS_MAX = 4096, CHANGES = 1000 };

struct owned {
    void *block;
    size_t size;
};

/* Returns a size whose logarithm is roughly uniform from 16 bytes to 16 KiB. */
static size_t small_heap_size(struct rng *rng) {
    size_t base = (size_t)16 << rng_below(rng, 10);
    return base + rng_below(rng, base);
}

static void renew(struct owned *owned, struct rng *rng) {
    block_drop(owned->block);
    owned->size = small_heap_size(rng);
    owned->block = block_new(owned->size);
}

void small_heap(size_t steps) {
    static struct owned owned[BLOCKS_MAX];
    struct rng rng = {40};
    for (; steps > 0; steps--) {
        size_t count = 0;
        for (size_t live = 0; live < LIVE && count < BLOCKS_MAX; live += owned[count++].size)
            renew(&owned[count], &rng);
        for (size_t i = 0; i < CHANGES; i++) renew(&owned[rng_below(&rng, count)], &rng);
        while (count > 0) {
            block_drop(owned[--count].block);
            owned[count].block = NULL;
        }
    }
}
