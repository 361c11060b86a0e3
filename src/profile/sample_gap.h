/*
 * The mathematics of sampling. Samples are the points of a Poisson process over the allocated
 * bytes: a block of S bytes is sampled with probability p = 1 - exp(-S / R), whatever was allocated
 * before it, where R is the mean number of bytes between samples.
 */
#ifndef MALLOW_SAMPLE_GAP_H
#define MALLOW_SAMPLE_GAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the number of bytes until the next sample, at least 1. It is exponentially distributed
 * with the mean `rate`, which must not be 0, and rounded up, so that a block of S bytes that comes
 * next is sampled (S >= gap) with exactly the probability p. `random` is the state of the generator
 * and belongs to one thread; 0: it is seeded. */
size_t sample_gap(uint64_t *random, size_t rate);

/* Returns the number of calls, possibly 0, before one that is chosen, when each call is chosen with
 * probability 1 / one_in. `one_in` must not be 0. `random`: see above. */
size_t sample_gap_calls(uint64_t *random, size_t one_in);

/* Returns true with this probability. */
bool sample_gap_chance(uint64_t *random, double probability);

/* Returns 1 / p, the number of blocks that a sampled block of `size` bytes represents. `size` is
 * the number of bytes that the block took from the gap; 0 counts as 1. The relative error is less
 * than 1e-12. */
double sample_weight(size_t size, size_t rate);

#endif
