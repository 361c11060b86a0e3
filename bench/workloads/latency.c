/* A histogram of call times, with 16 buckets for each power of two: a percentile is exact to 7 %.
 */
#include "bench.h"

enum { STEP_BITS = 4, STEPS = 1 << STEP_BITS, BUCKETS = 64 * STEPS };

static uint64_t histogram[BUCKETS];

static size_t bucket_of(uint64_t value) {
    if (value < STEPS) return (size_t)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - STEP_BITS;
    return (size_t)((shift + 1) * STEPS + ((value >> shift) - STEPS));
}

static double bucket_end(size_t bucket) {
    size_t shift = bucket / STEPS;
    if (shift == 0) return (double)bucket;
    return (double)(((bucket % STEPS) + STEPS + 1) << (shift - 1));
}

void latency_record(uint64_t nanoseconds) {
    /* All threads share the histogram; they contend for it between the timed calls, not in them. */
    __atomic_fetch_add(&histogram[bucket_of(nanoseconds)], 1, __ATOMIC_RELAXED);
}

/* Reports a percentile only if at least five calls are slower, because it would be meaningless for
 * fewer. */
static void report_percentile(const char *name, uint64_t total, double fraction) {
    double slower = (1 - fraction) * (double)total;
    if (slower < 5) return;
    size_t bucket = BUCKETS - 1;
    for (uint64_t above = histogram[bucket]; bucket > 0 && (double)above <= slower;)
        above += histogram[--bucket];
    bench_figure(name, bucket_end(bucket));
}

void latency_report(void) {
    uint64_t total = 0;
    for (size_t i = 0; i < BUCKETS; i++) total += histogram[i];
    report_percentile("latency_p50_ns", total, 0.5);
    report_percentile("latency_p999_ns", total, 0.999);
    report_percentile("latency_p9999_ns", total, 0.9999);
}
