/* Random numbers, and the mutations that are made with them. */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include "seed_list.h"

struct input {
    char *bytes;
    size_t size;
};

/* Sets the start of the random numbers. */
void start_numbers(uint64_t start);

/* Makes INPUT, whose bytes have room for INPUT_MAX, from the seed. */
void mutate(struct input *input, const struct seed *seed);

#endif
