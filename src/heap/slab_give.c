#include "heap/slab_give.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "heap/remote.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "heap/slab_available.h"

/* CACHED to FREE, CACHED_FRESH to FRESH. */
static inline void slab_give_state(_Atomic uint8_t *state) {
    state_set(state, (state_get(state) & 1) != 0 ? SLOT_FRESH : SLOT_FREE);
}

/* True for a slot that only the giving thread has. */
ONLY_ASSERTED static bool slab_give_is_cached(uint8_t state) {
    return state == SLOT_CACHED || state == SLOT_CACHED_FRESH || state == SLOT_HELD ||
           state == SLOT_HELD_FRESH;
}

static void slab_give_one(struct heap *heap, struct entry entry) {
    struct slab *slab = slab_head(slab_of(granule_of(entry.slot)));
    MALLOW_ASSERT(slab_give_is_cached(state_get(entry.state)));
    if (unlikely(slab->kind == GRANULE_SHARED)) {
        shared_give(entry.slot);
        return;
    }
    /* It waited in a quarantine while the heap had no thread, and another one took the slab. */
    if (atomic_load_explicit(&slab->owner, memory_order_relaxed) != heap) {
        remote_give(slab, entry.state);
        return;
    }
    slab_give_state(entry.state);
    slab_made_available(heap, slab, (uint32_t)(entry.state - slab->state), 1);
}

#define RUN_WORTHWHILE 4u
#define SINGLES 8u

/* Gives the first entries that are all of one slab, if it is the heap's; how many. */
static unsigned slab_give_run(struct heap *heap, const struct entry *entries, unsigned count) {
    struct slab *slab = slab_head(slab_of(granule_of(entries->slot)));
    if (atomic_load_explicit(&slab->owner, memory_order_relaxed) != heap) return 0;
    _Atomic uint8_t *states = slab->state;
    size_t slots = slab->slots, lowest = SIZE_MAX;
    unsigned i = 0;
    do {
        size_t slot = (size_t)(entries[i].state - states); /* huge when before the slab's */
        if (slot >= slots) break;
        MALLOW_ASSERT(slab_give_is_cached(state_get(states + slot)));
        slab_give_state(states + slot);
        lowest = slot < lowest ? slot : lowest;
    } while (++i < count);
    slab_made_available(heap, slab, (uint32_t)lowest, i);
    MALLOW_ASSERT(i < RUN_WORTHWHILE || slab_left_or_valid(heap, slab));
    return i;
}

/* What is freed in the order in which it was allocated comes in long runs of one slab. What is
 * freed at random does not, and then asking each time where a run ends costs more, by its
 * mispredicted branches, than it saves: so after a short run some are given one by one. */
void slab_give(struct heap *heap, const struct entry *entries, unsigned count) {
    heap_assert_held(heap);
    for (unsigned i = 0; i < count;) {
        unsigned run = slab_give_run(heap, entries + i, count - i);
        i += run;
        if (run >= RUN_WORTHWHILE) continue;
        for (unsigned end = i + SINGLES; i < end && i < count; i++) slab_give_one(heap, entries[i]);
    }
}
