/*
 * Producers and consumers at full speed: two threads only allocate, two others only free. They
 * differ from `handoff` in that nothing else takes time: blocks are not read before they are freed,
 * batches are reused, and a consumer receives the blocks of both producers.
 */
#include "bench.h"
#include "queue.h"
#include "workloads.h"

enum { PAIRS = 2, BATCH = 1024 };

struct batch {
    void *blocks[BATCH];
};

static struct batch batches[QUEUE_CAPACITY];
static struct queue filled = QUEUE_INITIALIZER, empty = QUEUE_INITIALIZER;

/* Returns a size from 16 to 2,047 bytes whose logarithm is roughly uniform. */
static size_t product_size(struct rng *rng) {
    size_t base = (size_t)16 << rng_below(rng, 7);
    return base + rng_below(rng, base);
}

static void produce(size_t count, struct rng rng) {
    for (; count > 0; count--) {
        struct batch *batch = queue_take(&empty);
        for (size_t i = 0; i < BATCH; i++) {
            batch->blocks[i] = heap_alloc(product_size(&rng));
            *(volatile unsigned char *)batch->blocks[i] = 1;
        }
        queue_put(&filled, batch);
    }
}

static void consume(size_t count) {
    for (; count > 0; count--) {
        struct batch *batch = queue_take(&filled);
        for (size_t i = 0; i < BATCH; i++) heap_free(batch->blocks[i]);
        queue_put(&empty, batch);
    }
}

static void produce_or_consume(void *context, size_t index) {
    const size_t *count = context;
    if (index < PAIRS)
        produce(*count, (struct rng){30 + index});
    else
        consume(*count);
}

void producers(size_t steps) {
    size_t count = steps / PAIRS / BATCH;
    for (size_t i = 0; i < QUEUE_CAPACITY; i++) queue_put(&empty, &batches[i]);
    run_threads((size_t)2 * PAIRS, produce_or_consume, &count);
}
