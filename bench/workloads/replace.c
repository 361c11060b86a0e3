/* A steady heap of 100,000 blocks in which random blocks are replaced by ones of another size. */
#include "bench.h"
#include "workloads.h"

enum { SLOTS = 100000 };

void replace(size_t steps) {
    static void *slots[SLOTS];
    struct rng rng = {2};
    for (; steps > 0; steps--) {
        void **slot = &slots[rng_below(&rng, SLOTS)];
        block_drop(*slot);
        *slot = block_new(rng_size(&rng));
    }
    for (size_t i = 0; i < SLOTS; i++) block_drop(slots[i]);
}
