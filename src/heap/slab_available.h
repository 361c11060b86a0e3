/* Makes freed slots available in their slab again. */
#ifndef MALLOW_SLAB_AVAILABLE_H
#define MALLOW_SLAB_AVAILABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "heap/heap.h"
#include "heap/slab.h"
#include "heap/slab_lists.h"

/* Makes the slab's REMOTE slots available. The caller owns or visits the heap. */
void slab_harvest(struct heap *heap, struct slab *slab);

/* Counts `count` slots of the slab, whose states say so already, as available. `lowest` is the
 * lowest of them. If the slab is then empty, it is kept or retires. */
static inline void slab_made_available(struct heap *heap, struct slab *slab, uint32_t lowest,
                                       uint32_t count) {
    MALLOW_ASSERT(count != 0 && count <= slab->in_use);
    MALLOW_ASSERT(lowest < slab->slots);
    if (lowest < slab->scan) slab->scan = lowest;
    if (!slab->listed) slab_bin_add(heap, slab);
    if (slab->age > AGE_OLD) slab->age = AGE_OLD;
    signal_order();
    slab->in_use -= count;
    if (slab->in_use == 0) slab_keep_empty(heap, slab);
}

/* For assertions, after slots became available: the slab may have retired, and may belong to
 * another heap by now. */
ONLY_ASSERTED static inline bool slab_left_or_valid(struct heap *heap, struct slab *slab) {
    return atomic_load_explicit(&slab->owner, memory_order_relaxed) != heap ||
           slab_is_valid(heap, slab);
}

#endif
