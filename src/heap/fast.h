/*
 * The fast path: the part of malloc and free that every call executes.
 *
 * malloc computes the place of the thread's magazine from the size, pops its newest entry and sets
 *   the slot's state to USED. The entry below the oldest is a sentinel without a slot. One test
 *   therefore covers an empty magazine, the thread's first call, a library that has not started,
 *   and a mode that must see each call.
 *
 * free computes the place of the descriptor from the address, without reading the block, and asks:
 *   Does the slab belong to this thread? Is the address the exact start of a slot? Is the slot in
 *   use? Each question costs one compare, and every unusual pointer fails one of them: NULL, a
 *   foreign, interior or freed pointer, a large block, a shared slot, and another thread's slot.
 *
 * Neither reads or writes the block. If a signal handler jumps away in between, the magazine is
 * consistent: an entry is complete before `top` covers it. A slot that was popped but not marked
 * yet is lost until the heap is repaired.
 */
#ifndef MALLOW_FAST_H
#define MALLOW_FAST_H

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "heap/heap.h"
#include "heap/slab.h"

/* Returns the magazine for a size of at most TINY_MAX. A magazine is as large as a unit, and class
 * n serves n units, so the size, rounded up, is also the offset of the magazine. */
ALWAYS_INLINE struct magazine *fast_magazine(size_t size) {
    size_t offset = (size + UNIT - 1) & ~(size_t)(UNIT - 1);
    struct magazine *magazine = (struct magazine *)(void *)((char *)self_heap + offset);
    IN_RCX(magazine);
    return magazine;
}
_Static_assert(sizeof(struct magazine) == UNIT && offsetof(struct heap, magazine) == 0,
               "fast_magazine");

/* The offset of a size's magazine in struct heap, indexed by the size in units. */
extern const uint16_t fast_offsets[SMALL_MAX / UNIT + 1];

/* Returns the magazine for a size of at most SLOT_MAX. */
ALWAYS_INLINE struct magazine *fast_magazine_any(size_t size) {
    if (unlikely(size > SMALL_MAX)) return &self_heap->magazine[size_class_of(size)];
    size_t units = (size + UNIT - 1) / UNIT;
    return (struct magazine *)(void *)((char *)self_heap + fast_offsets[units]);
}

/* Pops the newest slot of the magazine and marks it used. Returns NULL if there is none. */
ALWAYS_INLINE void *fast_take(struct magazine *magazine) {
    struct magazine_entry *top = magazine->top;
    char *slot = top->slot;
    if (unlikely(slot == NULL)) return NULL;
    _Atomic uint8_t *state = top->state;
    MALLOW_ASSERT(slot_state_get(state) == SLOT_CACHED ||
                  slot_state_get(state) == SLOT_CACHED_FRESH);
    magazine->top = top - 1;
    slot_state_set(state, SLOT_USED);
    sanitizer_release(self_heap);
    return slot;
}

enum fast_free { FAST_DONE, FAST_FULL, FAST_OTHER };

/* How the caller's size is compared with the block: not at all, as a size that this class serves,
 * or as a size that is not larger than the slot. */
enum fast_size { SIZE_NOTHING, SIZE_CLASS, SIZE_AT_MOST };

/* Frees the slot at p by pushing it onto the magazine, and returns FAST_DONE. Returns FAST_FULL if
 * the slot is valid but the magazine is full, and FAST_OTHER if p needs a closer look. Neither
 * changes anything. `granules`: the number of those that may have such slots. */
ALWAYS_INLINE enum fast_free fast_give_in(const size_t *granules, void *p, enum fast_size says,
                                          size_t size_hint) {
    size_t granule = granule_of(p);
    if (unlikely(granule >= racy_load(size_t, granules))) return FAST_OTHER;
    struct slab *slab = slab_of(granule);
    if (unlikely(racy_load(struct heap *, &slab->owner) != self_heap)) return FAST_OTHER;
    /* Like slot_locate (slot_location.h), which would take one more instruction here. */
    reciprocal_pair product =
        reciprocal_product((uint32_t)(uintptr_t)p - slab->start, slab->reciprocal);
    IN_MEMORY(slab->reciprocal);
    if (unlikely(!reciprocal_is_start(product, slab->reciprocal))) return FAST_OTHER;
    _Atomic uint8_t *state = slab->state + reciprocal_slot(product);
    IN_RDX(state);
    if (unlikely(racy_load(uint8_t, state) != SLOT_USED)) return FAST_OTHER;
    if (says == SIZE_CLASS && unlikely(size_hint - slab->size_min > slab->size_span))
        return FAST_OTHER;
    if (says == SIZE_AT_MOST && unlikely(size_hint > slab->slot_size)) return FAST_OTHER;
    struct magazine *magazine = slab->magazine;
    struct magazine_entry *entry = magazine->top + 1;
    if (unlikely(entry == magazine->limit)) return FAST_FULL;
    MALLOW_ASSERT(entry < magazine->limit);
    MALLOW_ASSERT(magazine == &self_heap->cached[slab->size_class]);
    slot_state_set(state, SLOT_CACHED);
    entry->slot = p;
    entry->state = state;
    signal_order();
    magazine->top = entry;
    sanitizer_release(self_heap);
    return FAST_DONE;
}

ALWAYS_INLINE enum fast_free fast_give_if(void *p, enum fast_size says, size_t size_hint) {
    return fast_give_in(&space.fast_granules, p, says, size_hint);
}

/* For a mode that every call reaches, so that the fast path itself serves none. */
ALWAYS_INLINE enum fast_free fast_give_seen(void *p) {
    return fast_give_in(&space.granules, p, SIZE_NOTHING, 0);
}

ALWAYS_INLINE enum fast_free fast_give(void *p) { return fast_give_if(p, SIZE_NOTHING, 0); }

/* size_hint: the block's size according to the caller. */
ALWAYS_INLINE enum fast_free fast_give_sized(void *p, size_t size_hint) {
    return fast_give_if(p, SIZE_CLASS, size_hint);
}

/* A block that was allocated with an alignment may lie in a much larger slot. */
ALWAYS_INLINE enum fast_free fast_give_aligned(void *p, size_t align, size_t size_hint) {
    if (unlikely(((uintptr_t)p & (align - 1)) != 0)) return FAST_OTHER;
    return fast_give_if(p, SIZE_AT_MOST, size_hint);
}

#endif
