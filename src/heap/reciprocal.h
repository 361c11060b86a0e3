/*
 * One multiplication finds the slot that a pointer belongs to, and also shows if the pointer is
 * exactly the slot's start.
 *
 * Let s be the slot size, M = ceil(2^64 / s), d = s*M - 2^64 (so 0 <= d < s), and let the pointer
 * be at x = q*s + r from slot 0, 0 <= r < s. Then
 *
 *     x*M = q*(2^64 + d) + r*M = q*2^64 + (q*d + r*M).
 *
 * If the bracket is below 2^64, the high half of the product is q, and the low half shows if r = 0:
 *   r = 0:  the low half is q*d <= q*s <= x, which is below M if x*s < 2^64;
 *   r >= 1: the low half is at least M.
 * The bracket is largest at r = s-1: q*d + (s-1)*M < x + (s-1)*(2^64/s + 1), which is at most
 * 2^64 when s*(x + s) <= 2^64.
 *
 * x < GRANULE + s because a granule's slot 0 is the last slot that starts at or before the
 * granule, and s is at most 32 KiB, so both hold by far. tests/unit/reciprocal.c tries every s and
 * every x.
 */
#ifndef MALLOW_RECIPROCAL_H
#define MALLOW_RECIPROCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/layout.h"

__extension__ typedef unsigned __int128 reciprocal_pair; /* both halves of a product */

static inline uint64_t reciprocal_of(size_t slot_size) {
    MALLOW_ASSERT(slot_size > 1 && slot_size <= SLOT_MAX);
    return UINT64_MAX / slot_size + 1;
}

/* Returns the product for the two functions below. `offset` is in bytes from slot 0. */
ALWAYS_INLINE reciprocal_pair reciprocal_product(uint32_t offset, uint64_t reciprocal) {
    return (reciprocal_pair)offset * reciprocal;
}

ALWAYS_INLINE bool reciprocal_is_start(reciprocal_pair product, uint64_t reciprocal) {
    return (uint64_t)product < reciprocal;
}

ALWAYS_INLINE uint32_t reciprocal_slot(reciprocal_pair product) {
    return (uint32_t)(product >> 64);
}

_Static_assert(SLOT_MAX <= (uint64_t)1 << 31 && GRANULE + SLOT_MAX < (uint64_t)1 << 32,
               "the proof above needs s*(x + s) <= 2^64");

#endif
