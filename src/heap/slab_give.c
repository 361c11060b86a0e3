/* Slots become available in their slab again. */
#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/remote.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "heap/slab_lists.h"
#include "heap/trim.h"

/* `count` slots of the slab became available, the lowest of them `lowest`. */
static inline void became_available(struct heap *heap, struct slab *slab, uint32_t lowest,
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

/* CACHED to FREE, CACHED_FRESH to FRESH. */
static inline void give_state(_Atomic uint8_t *state) {
    state_set(state, (state_get(state) & 1) != 0 ? SLOT_FRESH : SLOT_FREE);
}

/* True for a slot that only the giving thread has. */
ONLY_ASSERTED static bool give_is_cached(uint8_t state) {
    return state == SLOT_CACHED || state == SLOT_CACHED_FRESH || state == SLOT_HELD ||
           state == SLOT_HELD_FRESH;
}

static void give_one(struct heap *heap, struct entry entry) {
    struct slab *slab = slab_head(slab_of(granule_of(entry.slot)));
    MALLOW_ASSERT(give_is_cached(state_get(entry.state)));
    if (unlikely(slab->kind == GRANULE_SHARED)) {
        shared_give(entry.slot);
        return;
    }
    /* It waited in a quarantine while the heap had no thread, and another one took the slab. */
    if (atomic_load_explicit(&slab->owner, memory_order_relaxed) != heap) {
        remote_give(slab, entry.state);
        return;
    }
    give_state(entry.state);
    became_available(heap, slab, (uint32_t)(entry.state - slab->state), 1);
}

#define RUN_WORTHWHILE 4u
#define SINGLES 8u

/* The slab may have retired when its last slot came back, and become another heap's. */
ONLY_ASSERTED static bool slab_gave(struct heap *heap, struct slab *slab) {
    return atomic_load_explicit(&slab->owner, memory_order_relaxed) != heap ||
           slab_is_valid(heap, slab);
}

/* Gives the first entries that are all of one slab, if it is the heap's; how many. */
static unsigned give_run(struct heap *heap, const struct entry *entries, unsigned count) {
    struct slab *slab = slab_head(slab_of(granule_of(entries->slot)));
    if (atomic_load_explicit(&slab->owner, memory_order_relaxed) != heap) return 0;
    _Atomic uint8_t *states = slab->state;
    size_t slots = slab->slots, lowest = SIZE_MAX;
    unsigned i = 0;
    do {
        size_t slot = (size_t)(entries[i].state - states); /* huge when before the slab's */
        if (slot >= slots) break;
        MALLOW_ASSERT(give_is_cached(state_get(states + slot)));
        give_state(states + slot);
        lowest = slot < lowest ? slot : lowest;
    } while (++i < count);
    became_available(heap, slab, (uint32_t)lowest, i);
    MALLOW_ASSERT(i < RUN_WORTHWHILE || slab_gave(heap, slab));
    return i;
}

/* What is freed in the order in which it was allocated comes in long runs of one slab. What is
 * freed at random does not, and then asking each time where a run ends costs more, by its
 * mispredicted branches, than it saves: so after a short run some are given one by one. */
void slab_give(struct heap *heap, const struct entry *entries, unsigned count) {
    heap_assert_held(heap);
    for (unsigned i = 0; i < count;) {
        unsigned run = give_run(heap, entries + i, count - i);
        i += run;
        if (run >= RUN_WORTHWHILE) continue;
        for (unsigned end = i + SINGLES; i < end && i < count; i++) give_one(heap, entries[i]);
    }
}

/* Acquire: the freeing thread's last accesses come before the slot's next use. */
static inline bool take_remote(const _Atomic uint8_t *state) {
    return atomic_load_explicit(state, memory_order_acquire) == SLOT_REMOTE;
}

void slab_harvest(struct heap *heap, struct slab *slab) {
    heap_assert_held(heap);
    MALLOW_ASSERT(slab->reach <= slab->state_bytes);
    uint32_t lowest = UINT32_MAX, count = 0;
    for (uint32_t at = 0; at < slab->reach; at += 8) {
        uint64_t word = load_states(slab->state, at);
        uint64_t remote = word ^ 0x0101010101010101ull * SLOT_REMOTE;
        if (((remote - 0x0101010101010101ull) & ~remote & ~AVAILABLE_MASK) == 0) continue;
        for (uint32_t slot = at; slot < at + 8; slot++) {
            if (!take_remote(&slab->state[slot])) continue;
            state_set(&slab->state[slot], SLOT_FREE);
            if (count++ == 0) lowest = slot;
        }
    }
    if (count != 0) became_available(heap, slab, lowest, count);
    MALLOW_ASSERT(slab_gave(heap, slab));
}
