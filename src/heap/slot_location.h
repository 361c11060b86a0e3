/* Finds the slot that contains an address. The compiler computes only those members that the caller
 * uses. */
#ifndef MALLOW_SLOT_LOCATION_H
#define MALLOW_SLOT_LOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/reciprocal.h"
#include "pages/space.h"

struct slot_location {
    uint32_t offset; /* bytes from the granule's slot 0 */
    uint32_t number; /* of the slot, from the granule's slot 0 */
    bool is_start;   /* the address is the slot's first byte */
    _Atomic uint8_t *state;
};

/* Returns the slot that contains p. `part` describes the granule that contains p and belongs to a
 * slab. */
ALWAYS_INLINE struct slot_location slot_locate(const struct slab *part, const void *p) {
    uint32_t offset = (uint32_t)(uintptr_t)p - part->start;
    reciprocal_pair product = reciprocal_product(offset, part->reciprocal);
    uint32_t number = reciprocal_slot(product);
    return (struct slot_location){
        .offset = offset,
        .number = number,
        .is_start = reciprocal_is_start(product, part->reciprocal),
        .state = part->state + number,
    };
}

/* Returns the first byte of the slot that slot_locate found for p. */
ALWAYS_INLINE char *slot_start(const struct slab *part, struct slot_location slot, const void *p) {
    return (char *)(uintptr_t)p - (slot.offset - slot.number * part->slot_size);
}

/* Returns the descriptor of the slab's granule that contains p; NULL if p is in no slab. */
ALWAYS_INLINE struct slab *slab_around(const void *p) {
    size_t granule = granule_of(p);
    if (unlikely(granule >= __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE))) return NULL;
    struct slab *part = slab_of(granule);
    return likely(part->kind == GRANULE_SLAB) ? part : NULL;
}

#endif
