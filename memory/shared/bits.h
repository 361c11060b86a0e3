/*
 * The index of free blocks: for each order k, a bit for each position of a block of order k, which
 * is set if such a block is free. Level 0 has these bits. A bit of a higher level is set if the
 * word of 64 bits below it is not 0, and the highest level is one word. The bits of the word
 * `orders` (image.h) say which of the highest words are not 0.
 *
 * The states determine the index. It makes the search for a free block fast: one load for each
 * level.
 */
#ifndef MALLOW_BITS_H
#define MALLOW_BITS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/image.h"

#define BITS_LEVELS 8 /* 64^8 = 2^48 */

struct bits {
    uint64_t *orders, *words;
    unsigned top; /* the highest order */
    unsigned char levels[MALLOW_SHARED_ORDERS];
    uint64_t start[MALLOW_SHARED_ORDERS][BITS_LEVELS]; /* of the levels, in `words` */
};

/* Sets up the members other than `orders` and `words`. Returns the number of words of the index of
 * a heap of at most `maximum` units. */
uint64_t bits_layout(struct bits *bits, uint64_t maximum);

/* Sets or clears the bit of an order's position `index`, and updates the levels above. If
 * `thorough` is false, these levels must be correct before the call, and the function is faster. */
void bits_put(const struct bits *bits, unsigned order, uint64_t index, bool value, bool thorough);

/* Returns the lowest position with a free block of the order, as a multiple of the block's size.
 * Returns NO_UNIT if there is none although the bit in `orders` is set: the index is damaged. */
uint64_t bits_first(const struct bits *bits, unsigned order);

#endif
