#include "heap/slab_available.h"

#include "base/assert.h"
#include "base/atomics.h"

#define TOPS (~AVAILABLE_MASK)

/* Returns a word in which the top bit of each byte is set where `word` has a byte of 0. */
static inline uint64_t slab_zero_bytes(uint64_t word) {
    return ~(((word & AVAILABLE_MASK) + AVAILABLE_MASK) | word) & TOPS;
}

/* Under ThreadSanitizer, which relates only accesses of one size, each state changes by itself. */
#ifdef THREAD_SANITIZER
#    define HARVESTS_WORDS false
#else
#    define HARVESTS_WORDS true
#endif

/* REMOTE becomes FREE in the word of eight states at `states`, of which `word` is the value and
 * `remote` marks the REMOTE ones. Only the caller changes REMOTE states, but other threads may
 * change the other seven at the same time. Acquires, so that the freeing threads' last accesses
 * come before the slots' next use. */
static void slab_harvest_word(_Atomic uint8_t *states, uint64_t word, uint64_t remote) {
    _Static_assert(SLOT_FREE == 0x80, "the mark of a REMOTE state is its new state");
    uint64_t lanes = (remote >> 7) * 0xff, to = (word & ~lanes) | remote;
    if (HARVESTS_WORDS &&
        atomic_compare_exchange_strong_explicit((_Atomic uint64_t *)(void *)states, &word, to,
                                                memory_order_acquire, memory_order_relaxed))
        return;
    for (; remote != 0; remote &= remote - 1) {
        _Atomic uint8_t *state = &states[__builtin_ctzl(remote) / 8];
        uint8_t was = atomic_load_explicit(state, memory_order_acquire);
        (void)was;
        MALLOW_ASSERT(was == SLOT_REMOTE);
        slot_state_set(state, SLOT_FREE);
    }
}

void slab_harvest(struct heap *heap, struct slab *slab) {
    heap_assert_held(heap);
    MALLOW_ASSERT(slab->reach <= slab->state_bytes);
    uint32_t lowest = UINT32_MAX, count = 0;
    for (uint32_t at = 0; at < slab->reach; at += 8) {
        uint64_t word = slab_load_states(slab->state, at);
        uint64_t remote = slab_zero_bytes(word ^ EIGHT_STATES(SLOT_REMOTE));
        if (remote == 0) continue;
        slab_harvest_word(slab->state + at, word, remote);
        if (count == 0) lowest = at + (unsigned)__builtin_ctzl(remote) / 8;
        count += (uint32_t)((remote >> 7) * 0x0101010101010101ull >> 56);
    }
    if (count != 0) slab_made_available(heap, slab, lowest, count);
    MALLOW_ASSERT(slab_left_or_valid(heap, slab));
}
