#include "check/hard_ring.h"

#include <string.h>

#include "base/layout.h"
#include "base/numbers.h"
#include "check/hard_verify.h"
#include "heap/alloc.h"
#include "heap/slab.h"
#include "heap/slab_give.h"
#include "os/open_lock.h"
#include "pages/meta.h"
#include "report/fault.h"

struct hard_ring *hard_ring_of(struct heap *heap, unsigned size_class) {
    struct lock_hold hold;
    if (heap->hard == NULL) {
        if (!open_lock_take(&global_lock, &hold)) return NULL;
        struct hard *rings = meta_alloc(sizeof *rings);
        if (rings != NULL) memset(rings, 0, sizeof *rings);
        signal_order(); /* the child of a fork in another thread finds it complete or not at all */
        heap->hard = rings;
        open_lock_drop(&global_lock, &hold);
        if (rings == NULL) return NULL;
    }
    struct hard_ring *ring = &heap->hard->rings[size_class];
    if (ring->entries == NULL) {
        if (!open_lock_take(&global_lock, &hold)) return NULL;
        ring->slot_bytes = (uint32_t)size_class_bytes(size_class);
        bool small = ring->slot_bytes <= HARD_SMALL;
        ring->delay = ring->minimum = small ? HARD_DELAY : 0;
        ring->entries = meta_alloc(HARD_RING * sizeof *ring->entries);
        signal_order(); /* the fast path reads only `most` */
        if (ring->entries != NULL)
            ring->most = small ? HARD_RING : (uint32_t)max_size(READY_BYTES / ring->slot_bytes, 2);
        open_lock_drop(&global_lock, &hold);
    }
    return ring->entries == NULL ? NULL : ring;
}

/* Puts fresh slots before the oldest one. */
void hard_ring_refill(struct heap *heap, struct hard_ring *ring, unsigned size_class) {
    struct magazine_entry fresh[REFILL_MAX];
    size_t want = min_size(REFILL_MAX, max_size(REFILL_BYTES / ring->slot_bytes, 1));
    struct slab *slab = alloc_find_slab(heap, size_class);
    if (slab == NULL) return;
    if (size_class != CLASS_ZERO && !slab->wiped) {
        hard_wipe(slab);
        fault_watch(); /* the slab may end with an inaccessible page */
    }
    hard_verify_lead(slab, "found when its slab was reused");
    unsigned count = slab_take_shuffled(heap, slab, fresh, (unsigned)want);
    for (unsigned i = 0; i < count; i++) *hard_ring_at(ring, ring->head - 1 - i) = fresh[i];
    signal_order();
    ring->head -= count;
}

/* Gives the oldest slots back first, in the order in which they were freed. */
void hard_ring_evict(struct heap *heap, struct hard_ring *ring, uint32_t down_to) {
    struct magazine_entry leaving[REFILL_MAX];
    while (hard_ring_count(ring) > down_to) {
        unsigned count = 0;
        for (; count < REFILL_MAX && hard_ring_count(ring) > down_to; count++) {
            leaving[count] = *hard_ring_at(ring, ring->head);
            signal_order();
            ring->head++;
        }
        slab_give(heap, leaving, count);
    }
}
