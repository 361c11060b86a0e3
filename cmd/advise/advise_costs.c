#include "advise/advise_costs.h"

#include <math.h>

enum { ADVISE_GLIBC, ADVISE_MALLOW, ADVISE_ALLOCATORS };

static const double advise_cost_sizes[] = {16, 64, 256, 1024, 4096, 16384, 65536, 1 << 20};

#define ALL_SIZES (sizeof advise_cost_sizes / sizeof *advise_cost_sizes)
#define SCRATCH_SIZES 6
#define BATCH_SIZES 5

static const struct {
    double pair[ADVISE_ALLOCATORS][ALL_SIZES], resize[ADVISE_ALLOCATORS][ALL_SIZES];
    double batch[ADVISE_ALLOCATORS][BATCH_SIZES];
    double scratch[SCRATCH_SIZES], arena[BATCH_SIZES];
    double copy[1], touch[1], touch_huge[1]; /* of 1 MiB, and of 2 MiB */
} advise_costs = {
#include "advise/advise_costs.inc"
};

/* Interpolates in the logarithm of the size. Outside the table, its first or last cost counts. */
static double advise_cost_at(const double *costs, size_t count, double bytes) {
    if (bytes <= advise_cost_sizes[0]) return costs[0];
    for (size_t i = 1; i < count; i++) {
        double low = advise_cost_sizes[i - 1], high = advise_cost_sizes[i];
        if (bytes > high) continue;
        double part = log(bytes / low) / log(high / low);
        return costs[i - 1] + part * (costs[i] - costs[i - 1]);
    }
    return costs[count - 1];
}

static int advise_cost_allocator(const struct advise *advise) {
    return advise->is_mallow ? ADVISE_MALLOW : ADVISE_GLIBC;
}

double advise_cost_pair(const struct advise *advise, double bytes) {
    return advise_cost_at(advise_costs.pair[advise_cost_allocator(advise)], ALL_SIZES, bytes);
}

double advise_cost_resize(const struct advise *advise, double bytes) {
    return advise_cost_at(advise_costs.resize[advise_cost_allocator(advise)], ALL_SIZES, bytes);
}

double advise_cost_batch(const struct advise *advise, double bytes) {
    return advise_cost_at(advise_costs.batch[advise_cost_allocator(advise)], BATCH_SIZES, bytes);
}

double advise_cost_scratch(double bytes) {
    return advise_cost_at(advise_costs.scratch, SCRATCH_SIZES, bytes);
}

double advise_cost_arena(double bytes) {
    return advise_cost_at(advise_costs.arena, BATCH_SIZES, bytes);
}

double advise_cost_copy(double bytes) { return advise_costs.copy[0] * bytes / (1 << 20); }

double advise_cost_touch(double bytes) { return advise_costs.touch[0] * bytes / (2 << 20); }

double advise_cost_touch_huge(double bytes) {
    return advise_costs.touch_huge[0] * bytes / (2 << 20);
}
