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
/* Large slots are delayed by fewer frees: by as many as fit into DELAY_BYTES, and by at least
 * DELAY_MIN. */
#define DELAY_BYTES ((size_t)1 * MIB)
#define DELAY_MIN 16u

/* Bytes that all heaps hold. A heap adds its own count once that exceeds the bound divided by
 * COUNTED_PART. */
static _Atomic size_t quarantine_held_bytes;
#define COUNTED_PART 64u

size_t quarantine_bytes(void) {
    return atomic_load_explicit(&quarantine_held_bytes, memory_order_relaxed);
}

static void quarantine_count_bytes(struct quarantine *quarantine, size_t bytes) {
    size_t counted = (size_t)(quarantine->counted += (ptrdiff_t)bytes);
    size_t part = settings.quarantine / COUNTED_PART;
    if (likely(counted + part <= 2 * part)) return; /* -part <= counted <= part */
    quarantine->counted = 0;
    atomic_fetch_add_explicit(&quarantine_held_bytes, counted, memory_order_relaxed);
}

/* Returns by how many bytes the bound is exceeded; 0 or less if it is not. */
static ptrdiff_t quarantine_excess(const struct quarantine *quarantine) {
    return (ptrdiff_t)(quarantine_bytes() + (size_t)quarantine->counted - settings.quarantine);
}

static uint32_t quarantine_ring_count(const struct quarantine_ring *ring) {
    return ring->tail - ring->head;
}

/* Returns true a little before slots must leave. From then on, allocations take the oldest slots,
 * so that none has to leave. */
static bool quarantine_is_nearly_full(const struct quarantine *quarantine,
                                      const struct quarantine_ring *ring) {
    return quarantine_excess(quarantine) + (ptrdiff_t)(settings.quarantine / COUNTED_PART) >= 0 ||
           quarantine_ring_count(ring) >= RING_MAX - RING_MAX / COUNTED_PART;
}

static const struct magazine_entry quarantine_no_entry;

/* Returns the minimum number of frees between the free of a slot and its next use. */
static uint32_t quarantine_delay(unsigned size_class) {
    if (size_class_bytes(size_class) <= DELAY_BYTES / QUARANTINE_DELAY) return QUARANTINE_DELAY;
    size_t slots = DELAY_BYTES / size_class_bytes(size_class);
    return (uint32_t)min_size(QUARANTINE_DELAY, max_size(slots, DELAY_MIN));
}

static bool quarantine_has_too_many(const struct quarantine *quarantine, unsigned size_class) {
    const struct quarantine_ring *ring = &quarantine->rings[size_class];
    return quarantine_ring_count(ring) > quarantine_delay(size_class) &&
           (quarantine_excess(quarantine) > 0 || quarantine_ring_count(ring) >= RING_MAX);
}

static struct magazine_entry *quarantine_ring_at(const struct quarantine_ring *ring,
                                                 uint32_t index) {
    MALLOW_ASSERT(ring->capacity != 0 && (ring->capacity & (ring->capacity - 1)) == 0);
    MALLOW_ASSERT(quarantine_ring_count(ring) <= ring->capacity);
    return &ring->entries[index & (ring->capacity - 1)];
}

static bool quarantine_ring_grow(struct quarantine_ring *ring) {
    uint32_t capacity = ring->capacity == 0 ? RING_FIRST : ring->capacity * 2;
    MALLOW_ASSERT(quarantine_ring_count(ring) == ring->capacity);
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    struct magazine_entry *entries = meta_alloc(capacity * sizeof *entries);
    if (entries != NULL) {
        uint32_t count = quarantine_ring_count(ring);
        for (uint32_t i = 0; i < count; i++) entries[i] = *quarantine_ring_at(ring, ring->head + i);
        if (ring->capacity != 0) meta_free(ring->entries, ring->capacity * sizeof *entries);
        *ring = (struct quarantine_ring){.entries = entries, .tail = count, .capacity = capacity};
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

bool quarantine_put(struct heap *heap, unsigned size_class, struct magazine_entry entry) {
    MALLOW_ASSERT(size_class < CLASSES);
    MALLOW_ASSERT(entry.slot != NULL);
    struct quarantine *quarantine = quarantine_of(heap);
    if (quarantine == NULL) return false;
    struct quarantine_ring *ring = &quarantine->rings[size_class];
    if (quarantine_ring_count(ring) == ring->capacity && !quarantine_ring_grow(ring)) return false;
    /* The bytes are counted first, so that the sum is never less than what is held. */
    quarantine_count_bytes(quarantine, size_class_bytes(size_class));
    *quarantine_ring_at(ring, ring->tail) = entry;
    signal_order();
    ring->tail++;
    return true;
}

static struct magazine_entry quarantine_remove_oldest(struct quarantine *quarantine,
                                                      unsigned size_class) {
    struct quarantine_ring *ring = &quarantine->rings[size_class];
    MALLOW_ASSERT(quarantine_ring_count(ring) != 0);
    struct magazine_entry oldest = *quarantine_ring_at(ring, ring->head);
    MALLOW_ASSERT(oldest.slot != NULL);
    ring->head++;
    signal_order();
    quarantine_count_bytes(quarantine, -size_class_bytes(size_class));
    return oldest;
}

struct magazine_entry quarantine_look_ahead(const struct heap *heap, unsigned size_class) {
    const struct quarantine_ring *ring = &heap->quarantine->rings[size_class];
    return quarantine_ring_count(ring) > QUARANTINE_AHEAD
               ? *quarantine_ring_at(ring, ring->head + QUARANTINE_AHEAD)
               : quarantine_no_entry;
}

struct magazine_entry quarantine_take(struct heap *heap, unsigned size_class) {
    struct quarantine *quarantine = heap->quarantine;
    if (quarantine == NULL) return quarantine_no_entry;
    const struct quarantine_ring *ring = &quarantine->rings[size_class];
    bool due = quarantine_ring_count(ring) > quarantine_delay(size_class) &&
               quarantine_is_nearly_full(quarantine, ring);
    return due ? quarantine_remove_oldest(quarantine, size_class) : quarantine_no_entry;
}

struct magazine_entry quarantine_evict(struct heap *heap, unsigned size_class) {
    struct quarantine *quarantine = heap->quarantine;
    if (quarantine == NULL) return quarantine_no_entry;
    bool over = quarantine_excess(quarantine) > 0;
    if (likely(!over && quarantine_ring_count(&quarantine->rings[size_class]) < RING_MAX))
        return quarantine_no_entry;
    if (quarantine_has_too_many(quarantine, size_class))
        return quarantine_remove_oldest(quarantine, size_class);
    if (!over) return quarantine_no_entry;
    unsigned victim = quarantine->next_victim++ % CLASSES;
    return quarantine_has_too_many(quarantine, victim)
               ? quarantine_remove_oldest(quarantine, victim)
               : quarantine_no_entry;
}

struct magazine_entry quarantine_relieve(struct heap *heap) {
    if (heap->quarantine == NULL) return quarantine_no_entry;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        if (quarantine_ring_count(&heap->quarantine->rings[size_class]) != 0)
            return quarantine_remove_oldest(heap->quarantine, size_class);
    }
    return quarantine_no_entry;
}
