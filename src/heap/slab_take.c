/* Takes slots from slabs, in the order of their addresses or at random. */
#include <stddef.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/numbers.h"
#include "heap/class_counts.h"
#include "heap/slab.h"
#include "heap/slab_lists.h"
#include "os/os.h"

/* Returns a word in which the top bit of each byte is set where `word` has FRESH or FREE. */
static inline uint64_t slab_available_bytes(uint64_t word) {
    /* Each masked byte is at most 0x7f, so adding 0x7f carries into the top bit unless it is 0,
     * and never into the next byte. */
    return ~((word & AVAILABLE_MASK) + AVAILABLE_MASK) & ~AVAILABLE_MASK;
}

/* Counts up to `want` of the available slots as taken, and returns their number. */
static unsigned slab_begin_take(struct heap *heap, struct slab *slab, unsigned want) {
    MALLOW_ASSERT(heap_is_entered(heap));
    MALLOW_ASSERT(slab->listed);
    MALLOW_ASSERT(slab->in_use < slab->capacity);
    MALLOW_ASSERT(want != 0);
    uint32_t available = slab->capacity - slab->in_use;
    unsigned take = want < available ? want : available;
    if (slab->in_use == 0) slab_use_empty(heap, slab);
    slab->age = 0;
    slab->in_use += take; /* first: an interruption must not make the slab look emptier */
    signal_order();
    return take;
}

/* FRESH becomes CACHED_FRESH and FREE becomes CACHED. */
static inline void slab_take_state(_Atomic uint8_t *state) {
    slot_state_set(state, slot_state_get(state) | SLOT_CACHED_FRESH);
}

/* A slot and its state as a vector, so that one addition leads to the next pair. */
typedef uintptr_t entry_pair
    __attribute__((vector_size(sizeof(struct magazine_entry)), aligned(8), may_alias));
_Static_assert(offsetof(struct magazine_entry, slot) == 0 &&
                   sizeof(struct magazine_entry) == 2 * sizeof(uintptr_t),
               "an entry is a pair of addresses");

/* Stores eight neighbouring slots, of which `slot` is the lowest, from `next` downwards. Returns
 * the entry below them. */
static inline struct magazine_entry *slab_push_eight(struct magazine_entry *next, char *slot,
                                                     _Atomic uint8_t *state, size_t size) {
    entry_pair pair = {(uintptr_t)slot, (uintptr_t)state}, step = {size, 1};
    UNROLLED
    for (unsigned i = 0; i < 8; i++, pair += step) *(entry_pair *)(void *)(next - i) = pair;
    return next - 8;
}

void slab_take(struct heap *heap, struct slab *slab, unsigned want) {
    struct magazine *magazine = &heap->cached[slab->size_class];
    _Atomic uint8_t *states = slab->state;
    char *zero = slab_slot_zero(slab);
    size_t size = slab->slot_size;
    unsigned take = slab_begin_take(heap, slab, want);
    class_counts_issue(heap, slab->size_class, take);

    struct magazine_entry *bottom = magazine->top;
    MALLOW_ASSERT(bottom->slot == NULL);
    MALLOW_ASSERT(bottom + take < magazine->limit || heap->bin[slab->size_class].entries == 1);
    struct magazine_entry *next =
        bottom + take; /* filled downwards, so that the lowest slot is the newest */
    uint32_t at = slab->scan & ~7u;
    for (;; at += 8) {
        MALLOW_ASSERT(at < slab->state_bytes);
        uint64_t word = slab_load_states(states, at);
        uint64_t found = slab_available_bytes(word);
        if (found == ~AVAILABLE_MASK && next - bottom >= 8) {
            /* All eight are available, so no other thread writes any of them. */
            slab_store_states(states, at, word | EIGHT_STATES(SLOT_CACHED_FRESH));
            next = slab_push_eight(next, zero + at * size, states + at, size);
        } else {
            for (; found != 0 && next > bottom; found &= found - 1) {
                uint32_t slot = at + (unsigned)__builtin_ctzl(found) / 8;
                slab_take_state(&states[slot]);
                *next-- = (struct magazine_entry){zero + slot * size, states + slot};
            }
        }
        if (next == bottom) break;
    }
    slab->scan = at;
    if (at + 8 > slab->reach) slab->reach = at + 8;
    if (slab->in_use == slab->capacity) slab_bin_remove(heap, slab);
    MALLOW_ASSERT(slab_is_valid(heap, slab));
    signal_order();
    magazine->top = bottom + take;
}

/* Returns the first word of states with an available slot. Searches from `at` on, wrapping around
 * at the end. */
static uint32_t slab_find_available(const struct slab *slab, uint32_t at) {
    MALLOW_ASSERT(slab->in_use < slab->capacity);
    MALLOW_ASSERT(at % 8 == 0 && at < slab->state_bytes);
    uint32_t end = (uint32_t)round_up(slab->slots, 8);
    while (slab_available_bytes(slab_load_states(slab->state, at)) == 0)
        at = at + 8 < end ? at + 8 : 0;
    return at;
}

/* xorshift64, seeded by the kernel. */
static uint64_t slab_next_random(struct heap *heap) {
    uint64_t x = heap->random != 0 ? heap->random : os_random() | 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return heap->random = x;
}

/* Slots of one window are used up before those of the next, so that few blocks touch few pages. */
#define WINDOW 64u

/* Returns a random word of states with an available slot: in the window of the last slot that was
 * taken or, if there is none, anywhere in the slab. */
static uint32_t slab_find_in_window(struct heap *heap, const struct slab *slab, uint64_t random) {
    uint32_t end = (uint32_t)round_up(slab->slots, 8), window = slab->window & ~(WINDOW - 1);
    uint32_t first = (uint32_t)random & (WINDOW - 8);
    for (uint32_t i = 0; i < WINDOW && slab->in_use != 0; i += 8) {
        uint32_t at = window + ((first + i) & (WINDOW - 1));
        if (at < end && slab_available_bytes(slab_load_states(slab->state, at)) != 0) return at;
    }
    uint64_t again = slab_next_random(heap) >> 32;
    return slab_find_available(slab, (uint32_t)(again * slab->slots >> 32) & ~7u);
}

/* Returns the number of the first byte that is set. Searches from `from` on, wrapping around at the
 * end. */
static unsigned slab_choose_byte(uint64_t found, unsigned from) {
    MALLOW_ASSERT(found != 0 && from < 8);
    uint64_t behind = found >> 8 * from << 8 * from;
    return (unsigned)__builtin_ctzl(behind != 0 ? behind : found) / 8;
}

struct magazine_entry slab_take_one(struct heap *heap, struct slab *slab) {
    MALLOW_ASSERT(heap_is_entered(heap));
    MALLOW_ASSERT(slab->listed);
    MALLOW_ASSERT(slab->in_use < slab->capacity);
    uint64_t random = slab_next_random(heap);
    uint32_t at = slab_find_in_window(heap, slab, random >> 32);
    uint64_t found = slab_available_bytes(slab_load_states(slab->state, at));
    uint32_t slot = at + slab_choose_byte(found, (unsigned)(random >> 61));
    if (slab->in_use == 0) slab_use_empty(heap, slab);
    slab->age = 0;
    slab->in_use++;
    signal_order();
    MALLOW_ASSERT((slot_state_get(&slab->state[slot]) & 0x7f) == SLOT_FRESH);
    slot_state_set(&slab->state[slot], SLOT_CLOSING);
    slab->window = at;
    if (at + 8 > slab->reach) slab->reach = at + 8;
    if (slab->in_use == slab->capacity) slab_bin_remove(heap, slab);
    return (struct magazine_entry){slab_slot_zero(slab) + (size_t)slot * slab->slot_size,
                                   &slab->state[slot]};
}

/* Takes all available slots of a word and marks them as held. Returns their number. */
static unsigned slab_take_word(struct slab *slab, uint32_t at, struct magazine_entry *entries) {
    uint64_t word = slab_load_states(slab->state, at), found = slab_available_bytes(word);
    uint64_t lanes = (found >> 7) * 0xff; /* all bits of each available byte */
    char *zero = slab_slot_zero(slab);
    unsigned count = 0;
    for (; found != 0; found &= found - 1) {
        uint32_t slot = at + (unsigned)__builtin_ctzl(found) / 8;
        if (lanes != UINT64_MAX)
            slot_state_set(&slab->state[slot],
                           slot_state_get(&slab->state[slot]) | SLOT_HELD_FRESH);
        entries[count++] =
            (struct magazine_entry){zero + (size_t)slot * slab->slot_size, &slab->state[slot]};
    }
    /* If all eight are available, no other thread writes any of them. */
    if (lanes == UINT64_MAX)
        slab_store_states(slab->state, at, word | EIGHT_STATES(SLOT_HELD_FRESH));
    return count;
}

static void slab_shuffle(struct heap *heap, struct magazine_entry *entries, unsigned count) {
    for (unsigned i = count; i > 1; i--) {
        unsigned other = (unsigned)((slab_next_random(heap) >> 32) * i >> 32);
        struct magazine_entry moved = entries[i - 1];
        entries[i - 1] = entries[other];
        entries[other] = moved;
    }
}

unsigned slab_take_shuffled(struct heap *heap, struct slab *slab, struct magazine_entry *entries,
                            unsigned want) {
    MALLOW_ASSERT(heap_is_entered(heap));
    MALLOW_ASSERT(slab->listed);
    MALLOW_ASSERT(slab->in_use < slab->capacity);
    uint32_t end = (uint32_t)round_up(slab->slots, 8);
    uint32_t from = (uint32_t)((slab_next_random(heap) >> 32) * slab->slots >> 32) & ~7u;
    if (slab->in_use == 0) slab_use_empty(heap, slab);
    slab->age = 0;
    slab->reach = end;
    unsigned count = 0;
    uint32_t at = from;
    do {
        slab->in_use += 8; /* first: an interruption must not make the slab look emptier */
        signal_order();
        unsigned taken = slab_take_word(slab, at, entries + count);
        slab->in_use -= 8 - taken;
        count += taken;
        at = at + 8 < end ? at + 8 : 0;
    } while (at != from && (count == 0 || count + 8 <= want));
    if (slab->in_use == slab->capacity) slab_bin_remove(heap, slab);
    MALLOW_ASSERT(count != 0 && count <= (want > 8 ? want : 8));
    MALLOW_ASSERT(slab_is_valid(heap, slab));
    slab_shuffle(heap, entries, count);
    return count;
}

/* Fills `count` entries with available slots, from slot `from` on, wrapping around at the end. The
 * slab must have that many. */
static void slab_take_round_from(struct slab *slab, uint32_t from, struct magazine_entry *entries,
                                 unsigned count) {
    uint32_t end = (uint32_t)round_up(slab->slots, 8), at = from & ~7u;
    uint64_t wanted = ~(uint64_t)0 << from % 8 * 8;
    char *zero = slab_slot_zero(slab);
    for (unsigned i = 0; i < count; wanted = ~(uint64_t)0) {
        uint64_t found = slab_available_bytes(slab_load_states(slab->state, at)) & wanted;
        for (; found != 0 && i < count; found &= found - 1, i++) {
            uint32_t slot = at + (unsigned)__builtin_ctzl(found) / 8;
            slab_take_state(&slab->state[slot]);
            entries[i] =
                (struct magazine_entry){zero + (size_t)slot * slab->slot_size, &slab->state[slot]};
        }
        at = at + 8 < end ? at + 8 : 0;
    }
}

void slab_take_at_random(struct heap *heap, struct slab *slab, unsigned want) {
    struct magazine *magazine = &heap->cached[slab->size_class];
    struct magazine_entry *bottom = magazine->top;
    MALLOW_ASSERT(bottom->slot == NULL);
    unsigned take = slab_begin_take(heap, slab, want);
    class_counts_issue(heap, slab->size_class, take);
    MALLOW_ASSERT(bottom + take < magazine->limit || heap->bin[slab->size_class].entries == 1);
    uint32_t from = (uint32_t)((slab_next_random(heap) >> 32) * slab->slots >> 32);
    slab->reach = (uint32_t)round_up(slab->slots, 8);
    slab_take_round_from(slab, from, bottom + 1, take);
    slab_shuffle(heap, bottom + 1, take);
    if (slab->in_use == slab->capacity) slab_bin_remove(heap, slab);
    MALLOW_ASSERT(slab_is_valid(heap, slab));
    signal_order();
    magazine->top = bottom + take;
}
