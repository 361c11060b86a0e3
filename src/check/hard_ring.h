/* The rings of check=hard: free slots of a thread, by class (the picture is in hard.h). */
#ifndef MALLOW_HARD_RING_H
#define MALLOW_HARD_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/heap.h"

/* The minimum number of frees of a class and thread between the free of a slot and its next use. */
#define HARD_DELAY 200u

/* A ring has room for HARD_RING entries. When it is full, freed slots go back to their slabs until
 * HARD_RING_KEPT are left. Large slots take more memory: there are at most HARD_RING_LARGE of them,
 * and HARD_DELAY are left. */
#define HARD_RING 512u
#define HARD_RING_KEPT 256u
#define HARD_RING_LARGE 216u
#define LARGE_SLOT ((size_t)1 * KIB)
#define REFILL_BYTES (16 * KIB) /* size of all slots that a ring takes from slabs at once */
#define REFILL_MAX 64u

_Static_assert(HARD_RING_KEPT > HARD_DELAY && HARD_RING_LARGE > HARD_DELAY, "enough for the delay");

struct hard_ring {
    struct magazine_entry *entries; /* NULL until the ring is first used */
    uint32_t head, tail;            /* both grow; a refill moves head back */
    uint32_t slot_bytes;
    uint32_t most;    /* maximum number of entries; 0 while there is no array */
    uint32_t minimum; /* entries that the fast path leaves: HARD_DELAY or HARD_ALL_KEPT */
};

#define HARD_ALL_KEPT UINT32_MAX /* the slow path must look at the next slot, a fresh one */

struct hard {
    struct hard_ring rings[CLASSES];
};

ALWAYS_INLINE uint32_t hard_ring_count(const struct hard_ring *ring) {
    return ring->tail - ring->head;
}
ALWAYS_INLINE struct magazine_entry *hard_ring_at(const struct hard_ring *ring, uint32_t i) {
    return &ring->entries[i % HARD_RING];
}

/* If a signal handler frees in between, its slot is lost, but no old entry comes back. */
ALWAYS_INLINE void hard_ring_append(struct hard_ring *ring, struct magazine_entry entry) {
    uint32_t tail = ring->tail;
    *hard_ring_at(ring, tail) = entry;
    signal_order();
    racy_store(&ring->tail, tail + 1);
    sanitizer_release(self_heap);
}

/* Returns the heap's ring for the class, and makes it if necessary. Returns NULL if there is no
 * memory. */
struct hard_ring *hard_ring_of(struct heap *heap, unsigned size_class);

/* Adds slots from a slab of the class to the ring. Adds none if there is no memory. */
void hard_ring_refill(struct heap *heap, struct hard_ring *ring, unsigned size_class);

/* Gives the oldest slots back to their slabs until `down_to` are left. */
void hard_ring_evict(struct heap *heap, struct hard_ring *ring, uint32_t down_to);

/* Gives all slots back to their slabs, when memory is short. Returns false if there were none. */
bool hard_relieve(struct heap *heap);

#endif
