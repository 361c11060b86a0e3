/*
 * One multiplication finds the slot that a pointer belongs to, and also shows if the pointer is
 * exactly the slot's start.
 *
 * Let s be the slot size, M = ceil(2^32 / s), d = s*M - 2^32 (so 0 <= d < s), and let the pointer
 * be at x = q*s + r from slot 0, 0 <= r < s. Then
 *
 *     x*M = q*(2^32 + d) + r*M = q*2^32 + (q*d + r*M).
 *
 * If the bracket is below 2^32, the high half of the product is q, and the low half shows if r = 0:
 *   r = 0:  the low half is q*d <= q*s <= x, which is below M if x*s < 2^32;
 *   r >= 1: the low half is at least M.
 * The bracket is largest at r = s-1: q*d + (s-1)*M < x + (s-1)*(2^32/s + 1), which is at most
 * 2^32 when s*(x + s) <= 2^32.
 *
 * x < GRANULE + s because a granule's slot 0 is the last slot that starts at or before the
 * granule, so with s <= 32 KiB: s*(x + s) < 2^15 * (2^16 + 2^15 + 2^15) = 2^32. Both hold.
 * tests/unit/reciprocal.c tries every s and every x.
 */
#ifndef MALLOW_RECIPROCAL_H
#define MALLOW_RECIPROCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/layout.h"

static inline uint64_t reciprocal_of(size_t slot_size) {
    MALLOW_ASSERT(slot_size != 0 && slot_size <= SLOT_MAX);
    return (((uint64_t)1 << 32) + slot_size - 1) / slot_size;
}

/* Returns the product for the two functions below. `offset` is in bytes from slot 0. */
ALWAYS_INLINE uint64_t reciprocal_product(uint32_t offset, uint64_t reciprocal) {
    return offset * reciprocal;
}

ALWAYS_INLINE bool reciprocal_is_start(uint64_t product, uint64_t reciprocal) {
    return (uint32_t)product < (uint32_t)reciprocal;
}

ALWAYS_INLINE uint32_t reciprocal_slot(uint64_t product) { return (uint32_t)(product >> 32); }

_Static_assert(SLOT_MAX *(GRANULE + SLOT_MAX + SLOT_MAX) <= (uint64_t)1 << 32,
               "the proof above bounds slot size and granule");

#endif
