/* Producer and consumer: one thread allocates all blocks, the other frees them. */
#include "bench.h"
#include "queue.h"
#include "workloads.h"

enum { BATCH = 512 };

struct batch {
    void *blocks[BATCH];
};

static struct queue queue = QUEUE_INITIALIZER;

static void produce(size_t batches) {
    struct rng rng = {6};
    for (; batches > 0; batches--) {
        struct batch *batch = heap_alloc(sizeof *batch);
        for (size_t i = 0; i < BATCH; i++) batch->blocks[i] = block_new(rng_size(&rng));
        queue_put(&queue, batch);
    }
}

static void consume(size_t batches) {
    for (; batches > 0; batches--) {
        struct batch *batch = queue_take(&queue);
        for (size_t i = 0; i < BATCH; i++) block_drop(batch->blocks[i]);
        heap_free(batch);
    }
}

static void produce_or_consume(void *context, size_t index) {
    const size_t *batches = context;
    (index ? consume : produce)(*batches);
}

void handoff(size_t steps) {
    size_t batches = steps / BATCH;
    run_threads(2, produce_or_consume, &batches);
}
