/* Blocks aligned to 32 bytes up to a page, as vector code and caches need them. */
#include "bench.h"
#include "workloads.h"

enum { SLOTS = 2000 };

void aligned(size_t steps) {
    static const size_t alignments[] = {32, 32, 64, 64, 64, 64, 128, 4096};
    static void *slots[SLOTS];
    struct rng rng = {13};
    for (; steps > 0; steps--) {
        void **slot = &slots[rng_below(&rng, SLOTS)];
        block_drop(*slot);
        size_t alignment = alignments[rng_below(&rng, sizeof alignments / sizeof *alignments)];
        size_t units = (rng_size(&rng) + alignment - 1) / alignment;
        *slot = heap_aligned(alignment, units * alignment);
        block_write(*slot, 0, units * alignment);
    }
    for (size_t i = 0; i < SLOTS; i++) block_drop(slots[i]);
}
