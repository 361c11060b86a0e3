/*
 * Eight threads in a ring pass sets of blocks on. Each thread replaces half of a set before it
 * passes the set on, so blocks are freed far from the thread that allocated them. There are two
 * sets, so two threads work at a time.
 */
#include "bench.h"
#include "queue.h"
#include "workloads.h"

enum { THREADS = 8, SETS = 2, BLOCKS = 500 };

struct set {
    size_t hops_left;
    void *blocks[BLOCKS];
};

static struct queue queues[THREADS] = {
    QUEUE_INITIALIZER, QUEUE_INITIALIZER, QUEUE_INITIALIZER, QUEUE_INITIALIZER,
    QUEUE_INITIALIZER, QUEUE_INITIALIZER, QUEUE_INITIALIZER, QUEUE_INITIALIZER,
};

static void replace_half(struct set *set, struct rng *rng) {
    for (size_t i = 0; i < BLOCKS; i++) {
        if (rng_next(rng) & 1) continue;
        block_drop(set->blocks[i]);
        set->blocks[i] = block_new(rng_size(rng));
    }
}

static void take_part(void *context, size_t index) {
    (void)context;
    struct rng rng = {7 + index};
    for (size_t finished = 0; finished < SETS;) {
        struct set *set = queue_take(&queues[index]);
        replace_half(set, &rng);
        /* A set that is finished makes a last round, so that every thread notices it. */
        if (set->hops_left < THREADS) finished++;
        if (set->hops_left-- > 0) queue_put(&queues[(index + 1) % THREADS], set);
    }
}

void ring(size_t steps) {
    size_t hops = steps / SETS / (BLOCKS / 2);
    struct set *sets[SETS];
    for (size_t i = 0; i < SETS; i++) {
        sets[i] = heap_zeroed(1, sizeof **sets);
        sets[i]->hops_left = hops + THREADS;
        queue_put(&queues[i * THREADS / SETS], sets[i]);
    }
    run_threads(THREADS, take_part, NULL);
    for (size_t i = 0; i < SETS; i++) {
        for (size_t b = 0; b < BLOCKS; b++) block_drop(sets[i]->blocks[b]);
        heap_free(sets[i]);
    }
}
