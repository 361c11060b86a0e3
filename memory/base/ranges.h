/*
 * A sorted array of disjoint address ranges with a value each. It takes its memory from the kernel,
 * so that it does not depend on malloc. The owner of the array serialises all calls.
 */
#ifndef MALLOW_RANGES_H
#define MALLOW_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
    uintptr_t low, high; /* not empty; `high` is the first address after the range */
    uint64_t value;
};

struct ranges {
    struct range *at;
    size_t count, room;
};

/* Returns the index of the first range that ends after the address, or the count of ranges. */
size_t ranges_find(const struct ranges *ranges, uintptr_t address);

/* Makes room for `more` further ranges. Returns false and sets errno if there is no memory; nothing
 * has changed then. */
bool ranges_reserve(struct ranges *ranges, size_t more);

/* Inserts a range before the one at the index. There must be room. */
void ranges_insert(struct ranges *ranges, size_t index, struct range range);

void ranges_remove(struct ranges *ranges, size_t index);

/* Divides the range that contains both the address and the byte before it, if there is one. There
 * must be room. */
void ranges_split(struct ranges *ranges, uintptr_t address);

/* Joins all neighbours with equal values among the ranges from the one before index `first` up to
 * the one at index `last`. */
void ranges_join(struct ranges *ranges, size_t first, size_t last);

#endif
