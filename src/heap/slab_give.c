#include "heap/slab_give.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "heap/remote.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "heap/slab_available.h"

/* CACHED and HELD become FREE. CACHED_FRESH and HELD_FRESH become FRESH. */
static inline void slab_give_state(_Atomic uint8_t *state) {
    slot_state_set(state, slot_state_get(state) & SLOT_FREE);
}

/* Returns true if only the giving thread has the slot. */
ONLY_ASSERTED static bool slab_give_is_cached(uint8_t state) {
    return state == SLOT_CACHED || state == SLOT_CACHED_FRESH || state == SLOT_HELD ||
           state == SLOT_HELD_FRESH;
}

static void slab_give_one(struct heap *heap, struct magazine_entry entry) {
    struct slab *slab = slab_head(slab_of(granule_of(entry.slot)));
    MALLOW_ASSERT(slab_give_is_cached(slot_state_get(entry.state)));
    if (unlikely(slab->kind == GRANULE_SHARED)) {
        shared_give(entry.slot);
        return;
    }
    /* The slot waited in a quarantine while the heap had no thread, and another heap took the slab.
     */
    if (atomic_load_explicit(&slab->owner, memory_order_relaxed) != heap) {
        remote_give(slab, entry.state);
        return;
    }
    slab_give_state(entry.state);
    slab_made_available(heap, slab, (uint32_t)(entry.state - slab->state), 1);
}

/* Gives back the first eight entries if their states are one aligned word, and returns true. No two
 * entries have the same state, so all eight are there if each lies in the word. The first must be
 * at one of its ends, as in most runs: this rejects three of four entries in random order. */
static inline bool slab_give_eight(const struct magazine_entry *entries, unsigned count) {
    uintptr_t first = (uintptr_t)entries[0].state;
    if ((first + 1) % 8 > 1 || count < 8) return false;
    uintptr_t apart = first ^ (uintptr_t)entries[7].state;
    if (apart >= 8) return false;
    UNROLLED
    for (unsigned i = 1; i < 7; i++) apart |= first ^ (uintptr_t)entries[i].state;
    if (apart >= 8) return false;
    _Atomic uint8_t *word = entries[0].state - first % 8;
    slab_store_states(word, 0, slab_load_states(word, 0) & EIGHT_STATES(SLOT_FREE));
    return true;
}

#define RUN_WORTHWHILE 4u
#define SINGLES 8u

/* Gives back the first entries, as long as they belong to the same slab, if the heap owns that
 * slab. Returns their number. */
static unsigned slab_give_run(struct heap *heap, const struct magazine_entry *entries,
                              unsigned count) {
    struct slab *slab = slab_head(slab_of(granule_of(entries->slot)));
    if (atomic_load_explicit(&slab->owner, memory_order_relaxed) != heap) return 0;
    _Atomic uint8_t *states = slab->state;
    size_t slots = slab->slots, lowest = SIZE_MAX;
    unsigned i = 0;
    do {
        size_t slot =
            (size_t)(entries[i].state - states); /* huge if the state is before the slab's */
        if (slot >= slots) break;
        MALLOW_ASSERT(slab_give_is_cached(slot_state_get(states + slot)));
        if (unlikely(slab_give_eight(entries + i, count - i))) {
            slot &= ~(size_t)7;
            i += 7;
        } else {
            slab_give_state(states + slot);
        }
        lowest = slot < lowest ? slot : lowest;
    } while (++i < count);
    slab_made_available(heap, slab, (uint32_t)lowest, i);
    MALLOW_ASSERT(i < RUN_WORTHWHILE || slab_left_or_valid(heap, slab));
    return i;
}

/* Slots that are freed in the order of their allocation come in long runs of one slab. Slots that
 * are freed in random order do not. Looking for the end of each run then costs more, in
 * mispredicted branches, than it saves. After a short run, some slots are therefore given back one
 * by one. */
void slab_give(struct heap *heap, const struct magazine_entry *entries, unsigned count) {
    heap_assert_held(heap);
    for (unsigned i = 0; i < count;) {
        unsigned run = slab_give_run(heap, entries + i, count - i);
        i += run;
        if (run >= RUN_WORTHWHILE) continue;
        for (unsigned end = i + SINGLES; i < end && i < count; i++) slab_give_one(heap, entries[i]);
    }
}
