#include "quarantine.h"

#include <string.h>

#include "lock.h"
#include "meta.h"
#include "settings.h"

#define RING_FIRST 256u
#define RING_MAX 65536u
/* Large slots are delayed by fewer frees where the bytes are bounded. */
#define DELAY_BYTES ((size_t)1 * MIB)
#define DELAY_LEAST 16u

static _Atomic size_t held_bytes;

size_t quarantine_bytes(void) { return atomic_load_explicit(&held_bytes, memory_order_relaxed); }

static const struct entry nothing;

static uint32_t held(const struct ring *ring) { return ring->tail - ring->head; }

/* Frees that pass at least. */
static uint32_t delay(unsigned class) {
    size_t slots = DELAY_BYTES / class_size(class);
    return (uint32_t)min_size(QUARANTINE_DELAY, max_size(slots, DELAY_LEAST));
}

static bool too_many(const struct ring *ring, unsigned class) {
    return held(ring) > delay(class) &&
           (quarantine_bytes() > settings.quarantine || held(ring) >= RING_MAX);
}

static bool ring_grow(struct ring *ring) {
    uint32_t capacity = ring->capacity == 0 ? RING_FIRST : ring->capacity * 2;
    lock_take(&global_lock);
    struct entry *entries = meta_alloc(capacity * sizeof *entries);
    if (entries != NULL) {
        uint32_t count = held(ring);
        for (uint32_t i = 0; i < count; i++)
            entries[i] = ring->entries[(ring->head + i) % ring->capacity];
        if (ring->capacity != 0) meta_free(ring->entries, ring->capacity * sizeof *entries);
        *ring = (struct ring){.entries = entries, .tail = count, .capacity = capacity};
    }
    lock_drop(&global_lock);
    return entries != NULL;
}

static struct quarantine *quarantine_of(struct heap *heap) {
    if (likely(heap->quarantine != NULL)) return heap->quarantine;
    lock_take(&global_lock);
    struct quarantine *new = meta_alloc(sizeof *new);
    if (new != NULL) memset(new, 0, sizeof *new);
    heap->quarantine = new;
    lock_drop(&global_lock);
    return new;
}

bool quarantine_put(struct heap *heap, unsigned class, struct entry entry) {
    struct quarantine *quarantine = quarantine_of(heap);
    if (quarantine == NULL) return false;
    struct ring *ring = &quarantine->rings[class];
    if (held(ring) == ring->capacity && !ring_grow(ring)) return false;
    ring->entries[ring->tail % ring->capacity] = entry;
    signal_order();
    ring->tail++;
    atomic_fetch_add_explicit(&held_bytes, class_size(class), memory_order_relaxed);
    return true;
}

static struct entry leave_ring(struct ring *ring, unsigned class) {
    struct entry oldest = ring->entries[ring->head % ring->capacity];
    ring->head++;
    signal_order();
    atomic_fetch_sub_explicit(&held_bytes, class_size(class), memory_order_relaxed);
    return oldest;
}

struct entry quarantine_take(struct heap *heap, unsigned class) {
    if (heap->quarantine == NULL) return nothing;
    struct ring *ring = &heap->quarantine->rings[class];
    bool due = held(ring) > delay(class) && quarantine_bytes() >= settings.quarantine;
    return due ? leave_ring(ring, class) : nothing;
}

struct entry quarantine_evict(struct heap *heap, unsigned class) {
    struct quarantine *quarantine = heap->quarantine;
    if (quarantine == NULL) return nothing;
    if (too_many(&quarantine->rings[class], class))
        return leave_ring(&quarantine->rings[class], class);
    if (quarantine_bytes() <= settings.quarantine) return nothing;
    unsigned victim = quarantine->next_victim++ % CLASSES;
    struct ring *ring = &quarantine->rings[victim];
    return too_many(ring, victim) ? leave_ring(ring, victim) : nothing;
}

struct entry quarantine_relieve(struct heap *heap) {
    if (heap->quarantine == NULL) return nothing;
    for (unsigned class = 0; class < CLASSES; class ++) {
        struct ring *ring = &heap->quarantine->rings[class];
        if (held(ring) != 0) return leave_ring(ring, class);
    }
    return nothing;
}
