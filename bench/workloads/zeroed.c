/* Zeroed blocks of 16 bytes to 64 KiB, mostly small ones, partly read. */
#include "bench.h"
#include "workloads.h"

enum { SLOTS = 2000 };

static void expect_zero(const volatile unsigned char *bytes, size_t size) {
    if (bytes[0] | bytes[size / 2] | bytes[size - 1])
        bench_fail("calloc returned a block that is not zero");
}

void zeroed(size_t steps) {
    static void *slots[SLOTS];
    struct rng rng = {12};
    for (; steps > 0; steps--) {
        void **slot = &slots[rng_below(&rng, SLOTS)];
        block_drop(*slot);
        size_t size = rng_size(&rng) << (rng_below(&rng, 16) == 0 ? 4 : 0);
        *slot = heap_zeroed(1, size);
        expect_zero(*slot, size);
        block_write(*slot, 0, size);
    }
    for (size_t i = 0; i < SLOTS; i++) block_drop(slots[i]);
}
