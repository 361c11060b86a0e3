#include "profile/sample_gap.h"

#include <string.h>

#include "base/assert.h"
#include "base/numbers.h"
#include "os/os.h"

#define LOG_OF_2 0.693147180559945309417
#define ROOT_OF_2 1.41421356237309504880
#define SAMPLE_GAP_MAX ((size_t)1 << (8 * sizeof(size_t) - 2))

/* Returns a number in (0, 1], one of 2^53 equally likely ones. */
static double sample_gap_uniform(uint64_t *random) {
    if (*random == 0) *random = os_random() | 1;
    uint64_t x = *random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *random = x;
    return (double)((x * 0x2545f4914f6cdd1du >> 11) + 1) * 0x1p-53;
}

/*
 * The natural logarithm of a positive normal number. It is split into m * 2^e with m between
 * sqrt(1/2) and sqrt(2). With s = (m - 1) / (m + 1), ln m = 2 * (s + s^3/3 + s^5/5 + ...). As
 * |s| < 0.172, the first term that is left out, s^23/23, is below 2e-19.
 */
static double sample_gap_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > ROOT_OF_2) {
        m /= 2;
        exponent++;
    }
    double s = (m - 1) / (m + 1), square = s * s, sum = 0;
    for (int i = 21; i > 0; i -= 2) sum = sum * square + 1.0 / i;
    return exponent * LOG_OF_2 + 2 * s * sum;
}

size_t sample_gap(uint64_t *random, size_t rate) {
    MALLOW_ASSERT(rate != 0);
    double gap = -sample_gap_log(sample_gap_uniform(random)) * (double)rate;
    if (gap >= (double)SAMPLE_GAP_MAX) return SAMPLE_GAP_MAX;
    size_t whole = (size_t)gap;
    return max_size(whole + (gap > (double)whole), 1);
}

/* ln(1 - 1 / n). Above the limit, the first term of its series is exact enough. */
static double sample_gap_log_of_miss(size_t n) {
    return n < (size_t)1 << 30 ? sample_gap_log(1 - 1 / (double)n) : -1 / (double)n;
}

/* The number of misses before a hit has a geometric distribution. */
size_t sample_gap_calls(uint64_t *random, size_t one_in) {
    MALLOW_ASSERT(one_in != 0);
    if (one_in == 1) return 0;
    double gap = sample_gap_log(sample_gap_uniform(random)) / sample_gap_log_of_miss(one_in);
    return gap >= (double)SAMPLE_GAP_MAX ? SAMPLE_GAP_MAX : (size_t)gap;
}

bool sample_gap_chance(uint64_t *random, double probability) {
    return sample_gap_uniform(random) <= probability;
}

/* 1 - exp(-x) for 0 < x <= 0.5, by its series: each term is kept relative to x, so small values
 * lose no digits. The first term that is left out is below 1e-18 of the result. */
static double sample_gap_probability_small(double x) {
    double sum = 0;
    for (int i = 15; i > 1; i--) sum = (1 - sum) * x / i;
    return x * (1 - sum);
}

/* p = 1 - exp(-x). For a larger x, exp(-x) = exp(-x / 2^n)^(2^n). */
static double sample_gap_probability(double x) {
    int halvings = 0;
    if (x > 40) return 1;
    while (x > 0.5) {
        x /= 2;
        halvings++;
    }
    double p = sample_gap_probability_small(x);
    for (; halvings > 0; halvings--) p = p * (2 - p); /* 1 - (1 - p)^2 */
    return p;
}

double sample_weight(size_t size, size_t rate) {
    MALLOW_ASSERT(rate != 0);
    return 1 / sample_gap_probability((double)max_size(size, 1) / (double)rate);
}
