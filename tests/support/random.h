/* Pseudo-random numbers that depend only on the seed (xorshift64*). */
#ifndef RANDOM_H
#define RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The initial state is any number except 0. */
static inline uint64_t random_next(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d >> 16;
}

static inline size_t random_below(uint64_t *state, size_t bound) {
    return (size_t)(random_next(state) % bound);
}

#endif
