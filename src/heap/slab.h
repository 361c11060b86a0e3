/*
 * Slabs: one, two or four granules, divided into slots of one size. Each slot has a state byte,
 * which lies far away from the slot.
 *
 * Two kinds of threads change states (docs/architecture.md has the table of all transitions):
 *   - The slab's owner, or a visitor in its place, uses plain stores.
 *   - Any other thread may change USED to REMOTE, with compare-and-swap.
 * In check=full and check=hard, any thread may change CHECKED to CLOSING, with compare-and-swap.
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
    SLOT_USED = 0x01,         /* belongs to the program */
    SLOT_CACHED = 0x82,       /* free, in a magazine */
    SLOT_CACHED_FRESH = 0x02, /* in a magazine, never handed out */
    SLOT_REMOTE = 0x04,       /* freed by another thread, not collected yet */
    SLOT_NONE = 0x05,         /* no slot: before the first or after the last */
    SLOT_CHECKED = 0x09,      /* belongs to the program, with checks: full.h, hard.h */
    SLOT_HELD = 0x8a,         /* free, in a quarantine or a ring of check=hard */
    SLOT_HELD_FRESH = 0x0a,   /* in a ring, never handed out */
    SLOT_CLOSING = 0x0e,      /* a thread is making or freeing a checked block here */
    SLOT_SAMPLED = 0x11,      /* belongs to the program, and is a sample: sampled.h */
    SLOT_FREE = 0x80,         /* in the slab, handed out before */
};
/* FRESH and FREE differ only in the top bit, so one test finds the available slots among eight.
 * Bits that are set for both take them out of the slab, and leave the top bit as it is. */
#define AVAILABLE_MASK 0x7f7f7f7f7f7f7f7full
#define EIGHT_STATES(state) (0x0101010101010101ull * (state))
_Static_assert(SLOT_CACHED == (SLOT_FREE | SLOT_CACHED_FRESH) &&
                   SLOT_HELD == (SLOT_FREE | SLOT_HELD_FRESH) && SLOT_FRESH == 0,
               "the top bit alone says whether a slot was handed out before");

static inline uint8_t slot_state_get(const _Atomic uint8_t *state) {
    return atomic_load_explicit(state, memory_order_relaxed);
}
static inline void slot_state_set(_Atomic uint8_t *state, enum slot_state to) {
    atomic_store_explicit(state, (uint8_t)to, memory_order_relaxed);
}

/* Returns true if the slot belongs to the program, without checks. */
static inline bool slot_state_is_used(uint8_t state) {
    return state == SLOT_USED || state == SLOT_SAMPLED;
}

/* Returns the eight states from `at` on. `at` is a multiple of eight. */
static inline uint64_t slab_load_states(const _Atomic uint8_t *states, uint32_t at) {
    return atomic_load_explicit((const _Atomic uint64_t *)(const void *)(states + at),
                                memory_order_relaxed);
}

/* Stores eight states from `at` on. No other thread may be about to change one of them. */
static inline void slab_store_states(_Atomic uint8_t *states, uint32_t at, uint64_t word) {
    atomic_store_explicit((_Atomic uint64_t *)(void *)(states + at), word, memory_order_relaxed);
}

/* A slab's age is the number of sweeps (trim.c) since a slot was last taken from it. At AGE_OLD its
 * free pages go back to the kernel. It is then AGE_TRIMMED until a slot becomes available in it. */
enum { AGE_NONE, AGE_OLD = 2, AGE_TRIMMED };

/* The bytes of each slot's record in `records`, which check=full keeps (check/record.h). */
#define SLAB_RECORD_BYTES 24u

/* Returns the address of the slab's slot 0, which may lie before its first granule. */
static inline char *slab_slot_zero(const struct slab *slab) {
    char *granule = granule_start(slab_granule(slab));
    return granule - (uint32_t)((uint32_t)(uintptr_t)granule - slab->start);
}

/* Fills the empty magazine of the slab's class with up to `want` of the slab's lowest available
 * slots. The slab must have at least one available slot, also for the functions below. */
void slab_take(struct heap *heap, struct slab *slab, unsigned want);

/* Like slab_take, but with slots from a random place on, in a random order. */
void slab_take_at_random(struct heap *heap, struct slab *slab, unsigned want);

/* Takes an available slot at random, near the last one that was taken, and sets its state to
 * CLOSING. */
struct magazine_entry slab_take_one(struct heap *heap, struct slab *slab);

/* Takes up to `want` available slots that lie near each other, from a random place and in a random
 * order, and sets their states to HELD or HELD_FRESH. Returns their number. `entries` needs room
 * for at least eight. */
unsigned slab_take_shuffled(struct heap *heap, struct slab *slab, struct magazine_entry *entries,
                            unsigned want);

/* Makes a slab and puts it at the head of the heap's bin. Returns NULL if there is no memory. */
struct slab *slab_create(struct heap *heap, unsigned size_class);

/* Returns true if p lies in the last page of a slab, which may be inaccessible in check=hard. */
bool slab_is_end_guard(const void *p);

/* Makes that page accessible, so that an access succeeds after its fault was reported. */
bool slab_open_end(const void *p);

/* Keeps an empty slab for its class, or retires it. */
void slab_keep_empty(struct heap *heap, struct slab *slab);

/* Retires an empty slab that the heap has kept. Returns false if there is none, or if the lock is
 * refused. */
bool slab_retire_empty(struct heap *heap);

/* If the slab is empty and may retire, returns its pages to the kernel, retires it and returns
 * true. */
bool slab_retire_old(struct heap *heap, struct slab *slab);

/* Makes the descriptors of all slabs of the heap point to its current magazines (`cached`). */
void slabs_follow(struct heap *heap);

/* Moves a slab from the partial slabs of one heap to those of another. The caller has entered both.
 */
void slab_transfer(struct slab *slab, struct heap *from, struct heap *to);

/* Asserts that the descriptors of the slab's granules agree, that its counts and bounds fit its
 * states, and that it is listed if it has available slots. Returns true. The caller holds the heap.
 */
bool slab_is_valid(struct heap *heap, struct slab *slab);

/* Counts and lists a slab anew, from its state bytes. The heap's magazines must be empty. Retires
 * the slab if it is empty. */
void slab_repair(struct heap *heap, struct slab *slab);

#endif
