/*
 * Slabs: granules cut into slots of one size, with a state byte for each slot kept elsewhere.
 *
 * Who may change a slot's state (docs/architecture.md has the table):
 *   the slab's owner, with plain stores, and
 *   any other thread, from USED to REMOTE alone, with compare-and-swap.
 */
#ifndef MALLOW_SLAB_H
#define MALLOW_SLAB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "heap/heap.h"
#include "heap/reciprocal.h"
#include "pages/space.h"

enum slot_state {
    SLOT_FRESH = 0x00,        /* in the slab, never handed out: reads as zero */
    SLOT_USED = 0x01,         /* the program's */
    SLOT_CACHED = 0x02,       /* free, in a magazine */
    SLOT_CACHED_FRESH = 0x03, /* in a magazine, never handed out */
    SLOT_REMOTE = 0x04,       /* freed by another thread, not yet collected by the owner */
    SLOT_NONE = 0x05,         /* no slot: before the first or after the last */
    SLOT_CHECKED = 0x09,      /* the program's, checked: full.h, hard.h */
    SLOT_HELD = 0x0a,         /* was checked, was freed, is in some thread's quarantine */
    SLOT_HELD_FRESH = 0x0b,   /* there too, but never handed out */
    SLOT_CLOSING = 0x0e,      /* between the two: being freed or made ready */
    SLOT_FREE = 0x80,         /* in the slab, handed out before */
};
/* FRESH and FREE differ in the top bit alone: "available" is one test, eight slots at a time. */
#define AVAILABLE_MASK 0x7f7f7f7f7f7f7f7full

static inline uint8_t state_get(const _Atomic uint8_t *state) {
    return atomic_load_explicit(state, memory_order_relaxed);
}
static inline void state_set(_Atomic uint8_t *state, enum slot_state to) {
    atomic_store_explicit(state, (uint8_t)to, memory_order_relaxed);
}

/* Eight states from `at` on, a multiple of eight. */
static inline uint64_t slab_load_states(const _Atomic uint8_t *states, uint32_t at) {
    return atomic_load_explicit((const _Atomic uint64_t *)(const void *)(states + at),
                                memory_order_relaxed);
}

/* A slab's age is how often it was looked at since the last slot was taken from it. At AGE_OLD its
 * free pages go (trim.c), and it is AGE_TRIMMED until another slot becomes free in it. */
enum { AGE_NONE, AGE_OLD = 2, AGE_TRIMMED };

/* Bytes that check=full keeps for each slot in `records`: check/record.h. */
#define SLAB_RECORD_BYTES 24u

/* The address of the slab's slot 0, which may lie before its first granule. */
static inline char *slab_slot_zero(const struct slab *slab) {
    char *granule = granule_start(slab_granule(slab));
    return granule - (uint32_t)((uint32_t)(uintptr_t)granule - slab->start);
}

/* Fills the empty magazine of the slab's class with up to `want` of its lowest available slots; one
 * at least is there. */
void slab_take(struct heap *heap, struct slab *slab, unsigned want);

/* The same with slots from a place on and in an order that nobody can guess. */
void slab_take_at_random(struct heap *heap, struct slab *slab, unsigned want);

/* Takes one available slot, of which there must be one, into the state CLOSING: near the last one,
 * but one that nobody can guess. */
struct entry slab_take_one(struct heap *heap, struct slab *slab);

/* Takes up to `want` available slots that lie near each other, at a place and in an order that
 * nobody can guess, into the state HELD or HELD_FRESH; how many. One at least is there. */
unsigned slab_take_shuffled(struct heap *heap, struct slab *slab, struct entry *entries,
                            unsigned want);

/* A new slab at the head of the heap's bin; NULL when there is no memory. */
struct slab *slab_create(struct heap *heap, unsigned size_class);

/* Whether p lies where a slab may end with an inaccessible page; after a fault that was reported,
 * lets the access succeed. */
bool slab_is_end_guard(const void *p);
bool slab_open_end(const void *p);

/* Keeps a slab that became empty for its class, or retires it. */
void slab_keep_empty(struct heap *heap, struct slab *slab);

/* Retires an empty slab that the heap has kept for some class; false when it has none. */
bool slab_retire_empty(struct heap *heap);

/* Retires this one if it is empty, and gives its pages back at once. */
bool slab_retire_old(struct heap *heap, struct slab *slab);

/* The heap's frees go elsewhere from now on (heap.h, freed): its slabs are told. */
void slabs_follow(struct heap *heap);

/* Hands a slab that its (held) owner lists as partial to another heap. */
void slab_transfer(struct slab *slab, struct heap *from, struct heap *to);

/* Asserts that the descriptors of the slab's granules agree, that its counts and bounds fit its
 * states, and that it is listed if it has available slots. Returns true. The caller holds the heap.
 */
bool slab_is_valid(struct heap *heap, struct slab *slab);

/* Recounts and relists a slab of the heap, whose magazines are empty, from its state bytes. */
void slab_repair(struct heap *heap, struct slab *slab);

#endif
