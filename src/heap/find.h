/* Finds the block that begins at a pointer. Reads only the allocator's own data, never the memory
 * that the pointer refers to. */
#ifndef MALLOW_FIND_H
#define MALLOW_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "heap/slab.h"
#include "heap/slot_location.h"

enum block_kind {
    BLOCK_NONE, /* not the start of a block in use */
    BLOCK_SLOT,
    BLOCK_SHARED,
    BLOCK_RUN,
    BLOCK_MAPPING,
};

struct block_ref {
    enum block_kind kind;
    unsigned size_class; /* of a slot or a shared slot */
    char *start;
    size_t usable; /* bytes */
    struct slab *slab;
    _Atomic uint8_t *state;
};

/* Like find_block, for a pointer that is not the start of a used slot of a slab. */
struct block_ref find_elsewhere(void *p);

/* Finds the slot in use that begins at p. Range, kind, start and state cost one compare each. */
ALWAYS_INLINE bool find_slot(void *p, struct block_ref *ref) {
    struct slab *slab = slab_around(p);
    if (slab == NULL) return false;
    struct slot_location slot = slot_locate(slab, p);
    if (!slot.is_start || !slot_state_is_used(slot_state_get(slot.state))) return false;
    *ref = (struct block_ref){
        .kind = BLOCK_SLOT,
        .size_class = slab->size_class,
        .start = p,
        .usable = slab->size_class == CLASS_ZERO ? 0 : slab->slot_size - slab->tail,
        .slab = slab,
        .state = slot.state,
    };
    return true;
}

/* Returns the block in use that begins at p; its kind is BLOCK_NONE if there is none. */
ALWAYS_INLINE struct block_ref find_block(void *p) {
    struct block_ref ref;
    return likely(find_slot(p, &ref)) ? ref : find_elsewhere(p);
}

#endif
