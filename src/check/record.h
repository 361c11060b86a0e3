/*
 * Records of the slots of check=full. Like the state bytes, they lie in the allocator's own memory,
 * far from the program's. They are made with a slab's first checked slot and freed with the slab:
 *
 *     slab->records    [ record of slot 0 | slot 1 | ... ]    24 bytes each
 *
 * A thread may write a slot's record whenever it may change the slot's state (slab.h). A report may
 * read it at any time.
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
    uint16_t size;   /* requested bytes; 0: the slot is inaccessible */
    uint16_t offset; /* of the block in its slot */
    uint8_t fill;    /* the value of all bytes of the slot after the block was freed */
    uint8_t family;
    uint8_t align; /* binary logarithm of the requested alignment; 0: none was requested */
    stack_id allocated, freed;
    int32_t allocated_by, freed_by; /* thread ids */
};
_Static_assert(SLOT_MAX <= UINT16_MAX && sizeof(struct record) == SLAB_RECORD_BYTES,
               "heap/slab.c frees the records with their slab");

/* A slot that was found by an address in it. */
struct slot_ref {
    struct slab *slab; /* descriptor of the slab's first granule */
    uint32_t slot;     /* index in the slab */
    char *start;       /* first byte of the slot */
    size_t bytes;
    _Atomic uint8_t *state;
};

/* Finds the slot that p lies in. Returns false if p is not in a slot of a slab; shared slots do not
 * count. */
bool slot_ref_find(const void *p, struct slot_ref *ref);

/* Returns the slot of an entry, which is known to exist. */
ALWAYS_INLINE struct slot_ref slot_ref_of(struct magazine_entry entry) {
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

/* Makes sure that the slab has records. Returns false if there is no memory for them. */
bool record_make_array(struct slab *slab);

static inline struct record *record_of(const struct slot_ref *ref) {
    MALLOW_ASSERT(ref->slot < ref->slab->slots);
    MALLOW_ASSERT(ref->slab->records != NULL);
    return &ref->slab->records[ref->slot];
}

#endif
