/* Large blocks: a set of which random ones are replaced, and huge ones used one after another. */
#include "bench.h"
#include "workloads.h"

/* Returns a size whose logarithm is roughly uniform: a random power of two plus a random rest. */
static size_t large_size(struct rng *rng, size_t smallest, unsigned doublings) {
    size_t base = smallest << rng_below(rng, doublings);
    return base + rng_below(rng, base);
}

void large(size_t steps) {
    enum { SLOTS = 32 };
    static void *slots[SLOTS];
    struct rng rng = {10};
    for (; steps > 0; steps--) {
        void **slot = &slots[rng_below(&rng, SLOTS)];
        block_drop(*slot);
        *slot = block_new(large_size(&rng, 64u << 10, 6));
    }
    for (size_t i = 0; i < SLOTS; i++) block_drop(slots[i]);
}

void huge(size_t steps) {
    struct rng rng = {11};
    for (; steps > 0; steps--) {
        size_t size = large_size(&rng, 1u << 20, 6);
        volatile unsigned char *bytes = heap_alloc(size);
        /* Only a sixteenth is used, because otherwise the kernel's clearing of pages would
         * dominate. */
        for (size_t at = 0; at < size; at += 16 * BENCH_PAGE) bytes[at] = 1;
        heap_free((void *)bytes);
    }
}
