#include "pages/mapping_counts.h"

#include <stdbool.h>

#include "base/assert.h"

static unsigned mapping_counts_doubling(size_t bytes) {
    return 63u - (unsigned)__builtin_clzl(bytes | 1);
}

static void mapping_counts_raise(size_t *maximum, size_t value) {
    size_t before = __atomic_load_n(maximum, __ATOMIC_RELAXED);
    while (before < value && !__atomic_compare_exchange_n(maximum, &before, value, true,
                                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

void mapping_counts_add(struct mapping_counts *counts, size_t bytes) {
    __atomic_fetch_add(&counts->of_doubling[mapping_counts_doubling(bytes)], 1, __ATOMIC_RELAXED);
    mapping_counts_raise(&counts->count_max,
                         __atomic_add_fetch(&counts->count, 1, __ATOMIC_RELAXED));
    mapping_counts_raise(&counts->bytes_max,
                         __atomic_add_fetch(&counts->bytes, bytes, __ATOMIC_RELAXED));
}

void mapping_counts_remove(struct mapping_counts *counts, size_t bytes) {
    MALLOW_ASSERT(__atomic_load_n(&counts->bytes, __ATOMIC_RELAXED) >= bytes);
    MALLOW_ASSERT(__atomic_load_n(&counts->count, __ATOMIC_RELAXED) != 0);
    __atomic_fetch_sub(&counts->of_doubling[mapping_counts_doubling(bytes)], 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&counts->count, 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&counts->bytes, bytes, __ATOMIC_RELAXED);
}
