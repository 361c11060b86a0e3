#include "heap/slab_available.h"

#include "base/assert.h"

/* Acquires, so that the freeing thread's last accesses come before the slot's next use. */
static inline bool slab_state_is_remote(const _Atomic uint8_t *state) {
    return atomic_load_explicit(state, memory_order_acquire) == SLOT_REMOTE;
}

void slab_harvest(struct heap *heap, struct slab *slab) {
    heap_assert_held(heap);
    MALLOW_ASSERT(slab->reach <= slab->state_bytes);
    uint32_t lowest = UINT32_MAX, count = 0;
    for (uint32_t at = 0; at < slab->reach; at += 8) {
        uint64_t word = slab_load_states(slab->state, at);
        uint64_t remote = word ^ 0x0101010101010101ull * SLOT_REMOTE;
        if (((remote - 0x0101010101010101ull) & ~remote & ~AVAILABLE_MASK) == 0) continue;
        for (uint32_t slot = at; slot < at + 8; slot++) {
            if (!slab_state_is_remote(&slab->state[slot])) continue;
            slot_state_set(&slab->state[slot], SLOT_FREE);
            if (count++ == 0) lowest = slot;
        }
    }
    if (count != 0) slab_made_available(heap, slab, lowest, count);
    MALLOW_ASSERT(slab_left_or_valid(heap, slab));
}
