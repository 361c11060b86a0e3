/* Large size classes: in each of four threads, random blocks of 2 to 32 KiB are replaced by ones of
 * another size. */
#include "bench.h"
#include "workloads.h"

enum { THREADS = 4, SLOTS = 400 };

static size_t class_size(struct rng *rng) {
    size_t base = (size_t)2048 << rng_below(rng, 4);
    return base + rng_below(rng, base);
}

static void replace_large(void *context, size_t index) {
    const size_t *steps = context;
    void *slots[SLOTS] = {0};
    struct rng rng = {34 + index};
    for (size_t i = 0; i < *steps; i++) {
        void **slot = &slots[rng_below(&rng, SLOTS)];
        block_drop(*slot);
        *slot = block_new(class_size(&rng));
    }
    for (size_t i = 0; i < SLOTS; i++) block_drop(slots[i]);
}

void classes(size_t steps) {
    steps /= THREADS;
    run_threads(THREADS, replace_large, &steps);
}
