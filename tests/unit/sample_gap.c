/* The gaps between samples are exponentially distributed, and the weights are those of the C
 * library's exponential function. All random numbers follow from fixed seeds. */
#include "unit.h"

#include <math.h>

#include "profile/sample_gap.h"

#define DRAWS 1000000

static const size_t rates[] = {1, 2, 37, 4096, 524288, (size_t)1 << 40};
#define EACH_RATE(i)                  \
    unsigned i = 0;                   \
    i < sizeof rates / sizeof *rates; \
    i++

/* For gaps that are rounded up, the mean is 1 / (1 - exp(-1 / R)), and the variance is that of the
 * geometric distribution. */
static void mean_and_variance_are_right(void **state) {
    (void)state;
    for (EACH_RATE(i)) {
        uint64_t random = 7 + i;
        double p = -expm1(-1.0 / (double)rates[i]), mean = 1 / p, variance = (1 - p) / (p * p);
        double sum = 0, squares = 0;
        for (int n = 0; n < DRAWS; n++) {
            double gap = (double)sample_gap(&random, rates[i]);
            sum += gap;
            squares += (gap - mean) * (gap - mean);
        }
        assert_true(fabs(sum / DRAWS - mean) < 4 * sqrt(variance / DRAWS));
        assert_true(fabs(squares / DRAWS / variance - 1) < 0.02);
    }
}

/* Counts the gaps in cells of equal probability. With 199 degrees of freedom, chi-square is above
 * 270 in one of 2,000 cases. */
static void gaps_fill_cells_of_equal_probability(void **state) {
    (void)state;
    enum { CELLS = 200 };
    const size_t rate = (size_t)1 << 40;
    double counts[CELLS] = {0}, chi = 0, expected = (double)DRAWS / CELLS;
    uint64_t random = 1;
    for (int n = 0; n < DRAWS; n++) {
        double below = -expm1(-(double)sample_gap(&random, rate) / (double)rate);
        counts[(int)(below * CELLS) % CELLS]++;
    }
    for (int i = 0; i < CELLS; i++) chi += (counts[i] - expected) * (counts[i] - expected);
    assert_in_range((unsigned)(chi / expected), 140, 270);
}

/* Gaps that follow each other are independent: their correlation is near 0. */
static void gaps_are_independent(void **state) {
    (void)state;
    uint64_t random = 3;
    double before = 0, sum = 0, rate = 1e9;
    for (int n = 0; n < DRAWS; n++) {
        double gap = (double)sample_gap(&random, (size_t)rate) / rate - 1;
        sum += gap * before;
        before = gap;
    }
    assert_true(fabs(sum / DRAWS) < 4 / sqrt(DRAWS));
}

static void a_block_is_sampled_with_its_probability(void **state) {
    (void)state;
    const size_t sizes[] = {1, 16, 100, 1000, 4096, 40000};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t random = 11 + i;
        double p = 1 / sample_weight(sizes[i], 4096), sampled = 0;
        for (int n = 0; n < DRAWS; n++) sampled += sizes[i] >= sample_gap(&random, 4096);
        assert_true(fabs(sampled / DRAWS - p) <= 4 * sqrt(p * (1 - p) / DRAWS) + 1e-9);
    }
}

/* For a geometric distribution of misses, the mean is N - 1, and the variance N * (N - 1). */
static void one_call_in_n_is_chosen(void **state) {
    (void)state;
    const size_t one_in[] = {2, 3, 100, 5000, (size_t)1 << 29, (size_t)1 << 31};
    for (unsigned i = 0; i < sizeof one_in / sizeof *one_in; i++) {
        uint64_t random = 13 + i, none = 0;
        double n = (double)one_in[i], sum = 0;
        for (int draw = 0; draw < DRAWS; draw++) {
            size_t misses = sample_gap_calls(&random, one_in[i]);
            sum += (double)misses;
            none += misses == 0;
        }
        assert_true(fabs(sum / DRAWS - (n - 1)) < 4 * sqrt(n * (n - 1) / DRAWS));
        assert_true(fabs((double)none / DRAWS - 1 / n) < 4 * sqrt(1 / n / DRAWS));
    }
    uint64_t random = 1;
    assert_int_equal(sample_gap_calls(&random, 1), 0);
    for (int draw = 0; draw < DRAWS; draw++)
        assert_in_range(sample_gap_calls(&random, SIZE_MAX), 1, SIZE_MAX / 2);
}

static void a_chance_has_its_probability(void **state) {
    (void)state;
    for (double p = 0.05; p < 1; p += 0.1) {
        uint64_t random = 17, hits = 0;
        for (int draw = 0; draw < DRAWS; draw++) hits += sample_gap_chance(&random, p);
        assert_true(fabs((double)hits / DRAWS - p) < 4 * sqrt(p * (1 - p) / DRAWS));
    }
}

static void weights_are_exact(void **state) {
    (void)state;
    for (EACH_RATE(i)) {
        for (double size = 1; size < 1e15; size = floor(size * 1.37) + 1) {
            double weight = sample_weight((size_t)size, rates[i]);
            double exact = -1 / expm1(-floor(size) / (double)rates[i]);
            assert_true(fabs(weight / exact - 1) < 1e-12);
        }
    }
    assert_true(sample_weight(0, 512) == sample_weight(1, 512));
    assert_true(sample_weight(SIZE_MAX, 1) == 1);
}

static void extreme_gaps_are_in_range(void **state) {
    (void)state;
    uint64_t random = 5;
    for (int n = 0; n < DRAWS; n++) {
        assert_in_range(sample_gap(&random, SIZE_MAX), 1, SIZE_MAX / 2);
        assert_in_range(sample_gap(&random, 1), 1, 60);
    }
}

static void the_generator_is_seeded(void **state) {
    (void)state;
    uint64_t random = 0, other = 0;
    sample_gap(&random, 1);
    sample_gap(&other, 1);
    assert_true(random != 0 && other != 0 && random != other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_and_variance_are_right),
        cmocka_unit_test(gaps_fill_cells_of_equal_probability),
        cmocka_unit_test(gaps_are_independent),
        cmocka_unit_test(one_call_in_n_is_chosen),
        cmocka_unit_test(a_chance_has_its_probability),
        cmocka_unit_test(a_block_is_sampled_with_its_probability),
        cmocka_unit_test(weights_are_exact),
        cmocka_unit_test(extreme_gaps_are_in_range),
        cmocka_unit_test(the_generator_is_seeded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
