/*
 * Size classes: up to 256 bytes in steps of 16 bytes, then eight classes per doubling, up to
 * SLOT_MAX. Rounding a request up to its class adds at most 15 bytes or 12.5 % of the request,
 * which is one ninth of the slot.
 *
 *   class 0        blocks of no bytes (inaccessible slots)
 *   class 1..16    16, 32, ... 256
 *   class 17..24   288, 320, ... 512     and so on
 */
#ifndef MALLOW_SIZE_CLASS_H
#define MALLOW_SIZE_CLASS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"

#define CLASSES 73u
#define CLASS_ZERO 0u
#define SHARED_CLASSES 33u /* classes 0..32 hold slots of at most SHARED_MAX */

/* Returns the smallest class whose slots hold `size` bytes, which are at most SLOT_MAX. */
static inline unsigned size_class_of(size_t size) {
    MALLOW_ASSERT(size <= SLOT_MAX);
    if (size <= 256) return (unsigned)((size + 15) / 16);
    /* 2^e is the largest power of two below `size`. The range from there to 2^(e+1) has eight
     * classes. */
    unsigned e = 63u - (unsigned)__builtin_clzl(size - 1);
    return 17 + (e - 8) * 8 + (unsigned)(((size - 1) >> (e - 3)) & 7);
}

/* Returns the bytes of a slot of the class. Class 0 has slots of one unit, which are not usable. */
static inline size_t size_class_bytes(unsigned size_class) {
    MALLOW_ASSERT(size_class < CLASSES);
    if (size_class <= 16) return size_class == CLASS_ZERO ? UNIT : size_class * 16u;
    unsigned e = 8 + (size_class - 17) / 8;
    return ((size_t)1 << e) + ((size_t)((size_class - 17) % 8 + 1) << (e - 3));
}

/* Returns the alignment of the class's slots: the largest power of two that divides their size. */
static inline size_t size_class_alignment(unsigned size_class) {
    size_t size = size_class_bytes(size_class);
    return size & -size;
}

/* Returns the number of granules of a slab of the class. The slab has room for at least eight
 * slots, or seven if it ends with an inaccessible page. */
static inline unsigned size_class_granules(unsigned size_class) {
    size_t size = size_class_bytes(size_class);
    return size <= 8 * KIB ? 1 : size <= 16 * KIB ? 2 : 4;
}

/* Returns the smallest size that a block with `usable` bytes can have been requested with. realloc
 * keeps a block in place if it shrinks to more than half, so that size can be small. */
ALWAYS_INLINE size_t size_min_for(size_t usable) {
    return usable <= (size_t)2 * UNIT ? 0 : usable / 2 + 1;
}

/* Returns true if a block with `usable` bytes can have been requested with `size` bytes. */
ALWAYS_INLINE bool size_fits(size_t size, size_t usable) {
    return size >= size_min_for(usable) && size <= usable;
}

#endif
