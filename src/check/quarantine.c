#include "check/quarantine.h"

#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/open_lock.h"
#include "pages/meta.h"

#define RING_FIRST 256u
#define RING_MAX 65536u
/* Large slots are delayed by fewer frees where the bytes are bounded. */
#define DELAY_BYTES ((size_t)1 * MIB)
#define DELAY_LEAST 16u

/* Heaps add to it what they have counted as soon as that is a part of what may be held. */
static _Atomic size_t held_bytes;
#define COUNTED_PART 64u

size_t quarantine_bytes(void) { return atomic_load_explicit(&held_bytes, memory_order_relaxed); }

static void count_bytes(struct quarantine *quarantine, size_t bytes) {
    size_t counted = (size_t)(quarantine->counted += (ptrdiff_t)bytes);
    size_t part = settings.quarantine / COUNTED_PART;
    if (likely(counted + part <= 2 * part)) return; /* from -part to part */
    quarantine->counted = 0;
    atomic_fetch_add_explicit(&held_bytes, counted, memory_order_relaxed);
}

/* Above 0 when more is held than may be. */
static ptrdiff_t excess(const struct quarantine *quarantine) {
    return (ptrdiff_t)(quarantine_bytes() + (size_t)quarantine->counted - settings.quarantine);
}

static uint32_t held(const struct ring *ring) { return ring->tail - ring->head; }

/* What waits longest is used again a little before something must leave. */
static bool nearly_full(const struct quarantine *quarantine, const struct ring *ring) {
    return excess(quarantine) + (ptrdiff_t)(settings.quarantine / COUNTED_PART) >= 0 ||
           held(ring) >= RING_MAX - RING_MAX / COUNTED_PART;
}

static const struct entry nothing;

/* Frees that pass at least. */
static uint32_t delay(unsigned size_class) {
    if (size_class_bytes(size_class) <= DELAY_BYTES / QUARANTINE_DELAY) return QUARANTINE_DELAY;
    size_t slots = DELAY_BYTES / size_class_bytes(size_class);
    return (uint32_t)min_size(QUARANTINE_DELAY, max_size(slots, DELAY_LEAST));
}

static bool too_many(const struct quarantine *quarantine, unsigned size_class) {
    const struct ring *ring = &quarantine->rings[size_class];
    return held(ring) > delay(size_class) && (excess(quarantine) > 0 || held(ring) >= RING_MAX);
}

static struct entry *ring_entry(const struct ring *ring, uint32_t index) {
    MALLOW_ASSERT(ring->capacity != 0 && (ring->capacity & (ring->capacity - 1)) == 0);
    MALLOW_ASSERT(held(ring) <= ring->capacity);
    return &ring->entries[index & (ring->capacity - 1)];
}

static bool ring_grow(struct ring *ring) {
    uint32_t capacity = ring->capacity == 0 ? RING_FIRST : ring->capacity * 2;
    MALLOW_ASSERT(held(ring) == ring->capacity);
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    struct entry *entries = meta_alloc(capacity * sizeof *entries);
    if (entries != NULL) {
        uint32_t count = held(ring);
        for (uint32_t i = 0; i < count; i++) entries[i] = *ring_entry(ring, ring->head + i);
        if (ring->capacity != 0) meta_free(ring->entries, ring->capacity * sizeof *entries);
        *ring = (struct ring){.entries = entries, .tail = count, .capacity = capacity};
    }
    open_lock_drop(&global_lock, &hold);
    return entries != NULL;
}

static struct quarantine *quarantine_of(struct heap *heap) {
    if (likely(heap->quarantine != NULL)) return heap->quarantine;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    struct quarantine *new = meta_alloc(sizeof *new);
    if (new != NULL) memset(new, 0, sizeof *new);
    heap->quarantine = new;
    open_lock_drop(&global_lock, &hold);
    return new;
}

bool quarantine_put(struct heap *heap, unsigned size_class, struct entry entry) {
    MALLOW_ASSERT(size_class < CLASSES);
    MALLOW_ASSERT(entry.slot != NULL);
    struct quarantine *quarantine = quarantine_of(heap);
    if (quarantine == NULL) return false;
    struct ring *ring = &quarantine->rings[size_class];
    if (held(ring) == ring->capacity && !ring_grow(ring)) return false;
    count_bytes(quarantine, size_class_bytes(
                                size_class)); /* first: the sum must not fall below what is there */
    *ring_entry(ring, ring->tail) = entry;
    signal_order();
    ring->tail++;
    return true;
}

static struct entry leave_ring(struct quarantine *quarantine, unsigned size_class) {
    struct ring *ring = &quarantine->rings[size_class];
    MALLOW_ASSERT(held(ring) != 0);
    struct entry oldest = *ring_entry(ring, ring->head);
    MALLOW_ASSERT(oldest.slot != NULL);
    ring->head++;
    signal_order();
    count_bytes(quarantine, -size_class_bytes(size_class));
    return oldest;
}

struct entry quarantine_soon(const struct heap *heap, unsigned size_class) {
    const struct ring *ring = &heap->quarantine->rings[size_class];
    return held(ring) > SOON ? *ring_entry(ring, ring->head + SOON) : nothing;
}

struct entry quarantine_take(struct heap *heap, unsigned size_class) {
    struct quarantine *quarantine = heap->quarantine;
    if (quarantine == NULL) return nothing;
    const struct ring *ring = &quarantine->rings[size_class];
    bool due = held(ring) > delay(size_class) && nearly_full(quarantine, ring);
    return due ? leave_ring(quarantine, size_class) : nothing;
}

struct entry quarantine_evict(struct heap *heap, unsigned size_class) {
    struct quarantine *quarantine = heap->quarantine;
    if (quarantine == NULL) return nothing;
    bool over = excess(quarantine) > 0;
    if (likely(!over && held(&quarantine->rings[size_class]) < RING_MAX)) return nothing;
    if (too_many(quarantine, size_class)) return leave_ring(quarantine, size_class);
    if (!over) return nothing;
    unsigned victim = quarantine->next_victim++ % CLASSES;
    return too_many(quarantine, victim) ? leave_ring(quarantine, victim) : nothing;
}

struct entry quarantine_relieve(struct heap *heap) {
    if (heap->quarantine == NULL) return nothing;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        if (held(&heap->quarantine->rings[size_class]) != 0)
            return leave_ring(heap->quarantine, size_class);
    }
    return nothing;
}
