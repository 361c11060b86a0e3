/*
 * The fast path: what every malloc and every free does, and nothing else.
 *
 * malloc: size to class by table; the newest entry of the thread's magazine; mark it used. The
 *   entry below the oldest is a sentinel without a slot, so one test tells "empty", "first call
 *   of this thread", "library not started" and "zero bytes" (whose magazine is always empty).
 *
 * free: descriptor by arithmetic, never by looking at the block; mine?; a slot's exact start?; in
 *   use? Each question costs one compare and everything unusual fails one of them: NULL, foreign,
 *   interior, freed, large, another thread's, shared. Nothing is read or written in the block.
 *
 * A signal that jumps away in between finds the magazine consistent: an entry is complete before
 * `top` covers it, and a slot that was popped but not yet marked is merely lost until repair.
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

/* Offset of the class's magazine in the heap, for sizes up to SMALL_MAX in units. */
extern const uint16_t fast_offsets[SMALL_MAX / UNIT + 1];

ALWAYS_INLINE struct magazine *fast_magazine(size_t size) {
    size_t units = (size + UNIT - 1) / UNIT;
    return (struct magazine *)((char *)self_heap + fast_offsets[units]);
}

/* The newest slot of the magazine, marked used; NULL when there is none. */
ALWAYS_INLINE void *fast_take(struct magazine *magazine) {
    struct entry *top = magazine->top;
    char *slot = top->slot;
    if (unlikely(slot == NULL)) return NULL;
    _Atomic uint8_t *state = top->state;
    MALLOW_ASSERT(state_get(state) == SLOT_CACHED || state_get(state) == SLOT_CACHED_FRESH);
    magazine->top = top - 1;
    state_set(state, SLOT_USED);
    sanitizer_release(self_heap);
    return slot;
}

enum fast_free { FAST_DONE, FAST_FULL, FAST_OTHER };

/* How the caller's size is compared with the block. */
enum fast_size { SIZE_NOTHING, SIZE_CLASS, SIZE_AT_MOST };

/* FAST_FULL: valid, not freed yet, no room in the magazine. FAST_OTHER: nothing was found out. */
ALWAYS_INLINE enum fast_free fast_give_if(void *p, enum fast_size says, size_t size_hint) {
    size_t granule = granule_of(p);
    if (unlikely(granule >= racy_load(size_t, &space.fast_granules))) return FAST_OTHER;
    struct slab *slab = slab_of(granule);
    if (unlikely(racy_load(struct heap *, &slab->owner) != self_heap)) return FAST_OTHER;
    /* slot_locate (slot_location.h) written out: it takes one instruction more here. */
    uint64_t product = reciprocal_product((uint32_t)(uintptr_t)p - slab->start, slab->reciprocal);
    if (unlikely(!reciprocal_is_start(product, slab->reciprocal))) return FAST_OTHER;
    _Atomic uint8_t *state = slab->state + reciprocal_slot(product);
    if (unlikely(racy_load(uint8_t, state) != SLOT_USED)) return FAST_OTHER;
    if (says == SIZE_CLASS && unlikely(size_hint - slab->size_min > slab->size_span))
        return FAST_OTHER;
    if (says == SIZE_AT_MOST && unlikely(size_hint > slab->slot_size)) return FAST_OTHER;
    struct magazine *magazine = slab->magazine;
    struct entry *entry = magazine->top + 1;
    if (unlikely(entry == magazine->limit)) return FAST_FULL;
    MALLOW_ASSERT(entry < magazine->limit);
    MALLOW_ASSERT(magazine == &self_heap->freed[slab->size_class]);
    state_set(state, SLOT_CACHED);
    entry->slot = p;
    entry->state = state;
    signal_order();
    magazine->top = entry;
    sanitizer_release(self_heap);
    return FAST_DONE;
}

ALWAYS_INLINE enum fast_free fast_give(void *p) { return fast_give_if(p, SIZE_NOTHING, 0); }

/* size_hint: the block's size, as the caller believes. */
ALWAYS_INLINE enum fast_free fast_give_sized(void *p, size_t size_hint) {
    return fast_give_if(p, SIZE_CLASS, size_hint);
}

/* A block that was allocated with an alignment may lie in a much larger slot. */
ALWAYS_INLINE enum fast_free fast_give_aligned(void *p, size_t align, size_t size_hint) {
    if (unlikely(((uintptr_t)p & (align - 1)) != 0)) return FAST_OTHER;
    return fast_give_if(p, SIZE_AT_MOST, size_hint);
}

#endif
