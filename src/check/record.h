/*
 * Records: what is kept of a checked slot, beside its state byte and as far from the program's
 * memory. They are made with a slab's first checked slot and go with the slab:
 *
 *     slab->records    [ record of slot 0 | slot 1 | ... ]    24 bytes each
 *
 * Who may write a slot's record is who may change its state (slab.h); a report may read it at any
 * time.
 */
#ifndef MALLOW_RECORD_H
#define MALLOW_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "heap/family.h"
#include "heap/heap.h"
#include "heap/slab.h"
#include "stack/stack.h"

struct record {
    uint16_t size;   /* bytes as asked for; 0: the slot is inaccessible */
    uint16_t offset; /* of the block in its slot */
    uint8_t fill;    /* what the slot holds once the block was freed */
    uint8_t family;
    uint8_t align; /* what was asked for: its power of two; 0 for none */
    stack_id allocated, freed;
    int32_t allocated_by, freed_by; /* thread ids */
};
_Static_assert(SLOT_MAX <= UINT16_MAX && sizeof(struct record) == SLAB_RECORD_BYTES,
               "heap/slab.c frees the records with their slab");

/* A slot, by an address anywhere in it. */
struct slot_ref {
    struct slab *slab; /* the head */
    uint32_t slot;
    char *start; /* of the slot */
    size_t bytes;
    _Atomic uint8_t *state;
};

/* False when p is in no slot of a slab of one class. */
bool slot_ref_find(const void *p, struct slot_ref *ref);

/* The same of a slot that is known to be one. */
ALWAYS_INLINE struct slot_ref slot_ref_of(struct entry entry) {
    struct slab *head = slab_head(slab_of(granule_of(entry.slot)));
    MALLOW_ASSERT(head->kind == GRANULE_SLAB);
    MALLOW_ASSERT((size_t)(entry.state - head->state) < head->slots);
    return (struct slot_ref){
        .slab = head,
        .slot = (uint32_t)(entry.state - head->state),
        .start = entry.slot,
        .bytes = head->slot_size,
        .state = entry.state,
    };
}

/* Makes sure that the slab has records; false when there is no memory. */
bool record_make_array(struct slab *slab);

static inline struct record *record_of(const struct slot_ref *ref) {
    MALLOW_ASSERT(ref->slot < ref->slab->slots);
    MALLOW_ASSERT(ref->slab->records != NULL);
    return &ref->slab->records[ref->slot];
}

#endif
