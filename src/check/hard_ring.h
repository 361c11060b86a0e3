/* The rings of check=hard: free slots of a thread, by class (the picture is in hard.h). */
#ifndef MALLOW_HARD_RING_H
#define MALLOW_HARD_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/heap.h"

/* The minimum number of frees between the free of a slot and its next use: of the class and thread
 * for small slots, of large slots of the thread for large ones (hard_queue.h). */
#define HARD_DELAY 200u

/* Slots of up to this many bytes wait in the ring of their class. */
#define HARD_SMALL 512u

/* A ring has room for HARD_RING entries. When it is full, freed slots go back to their slabs until
 * HARD_RING_KEPT are left. Rings of large slots hold READY_BYTES of slots that have waited. */
#define HARD_RING 512u
#define HARD_RING_KEPT 256u
#define READY_BYTES (16 * KIB)
#define REFILL_BYTES (16 * KIB) /* size of all slots that a ring takes from slabs at once */
#define REFILL_MAX 64u

_Static_assert(HARD_RING_KEPT > HARD_DELAY, "enough for the delay");
_Static_assert(READY_BYTES / HARD_SMALL + REFILL_MAX < HARD_RING, "enough for large slots");

struct hard_queue;

struct hard_ring {
    struct magazine_entry *entries; /* NULL until the ring is first used */
    uint32_t head, tail;            /* both grow; a refill moves head back */
    uint32_t slot_bytes;
    uint32_t most;    /* maximum number of entries; 0 while there is no array */
    uint32_t delay;   /* entries that allocations leave: HARD_DELAY, or 0 for large slots */
    uint32_t minimum; /* entries that the fast path leaves: `delay` or HARD_ALL_KEPT */
};

#define HARD_ALL_KEPT UINT32_MAX /* the slow path must look at the next slot, a fresh one */

struct hard {
    struct hard_ring rings[CLASSES];
    struct hard_queue *queue; /* NULL until a large slot is freed */
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

#endif
