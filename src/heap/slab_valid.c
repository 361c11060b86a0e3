/* The invariants of slabs, for assertions. Each function that ends in `valid` asserts them and
 * returns true. */
#include "base/assert.h"

#ifdef MALLOW_ASSERTIONS

#    include "heap/reciprocal.h"
#    include "heap/slab.h"

static bool slab_state_is_known(uint8_t state) {
    switch (state) {
    case SLOT_FRESH:
    case SLOT_USED:
    case SLOT_CACHED:
    case SLOT_CACHED_FRESH:
    case SLOT_REMOTE:
    case SLOT_NONE:
    case SLOT_CHECKED:
    case SLOT_HELD:
    case SLOT_HELD_FRESH:
    case SLOT_CLOSING:
    case SLOT_SAMPLED:
    case SLOT_FREE:
        return true;
    default:
        return false;
    }
}

/* Returns a word in which the top bit of each byte is set where `word` has that byte. */
static uint64_t slab_states_equal(uint64_t word, uint8_t byte) {
    uint64_t apart = word ^ 0x0101010101010101ull * byte;
    return ~(((apart & AVAILABLE_MASK) + AVAILABLE_MASK) | apart) & ~AVAILABLE_MASK;
}

static unsigned slab_count_available(uint64_t word) {
    return (unsigned)__builtin_popcountll(slab_states_equal(word & AVAILABLE_MASK, SLOT_FRESH));
}

static bool slab_parts_are_valid(struct heap *heap, struct slab *slab) {
    unsigned size_class = slab->size_class;
    size_t size = size_class_bytes(size_class);
    for (unsigned i = 0; i < size_class_granules(size_class); i++) {
        struct slab *part = slab_part(slab, i);
        MALLOW_ASSERT(part->kind == GRANULE_SLAB);
        MALLOW_ASSERT(part->index == i);
        MALLOW_ASSERT(part->size_class == size_class);
        MALLOW_ASSERT(part->slot_size == size);
        MALLOW_ASSERT(part->reciprocal == reciprocal_of(size));
        MALLOW_ASSERT(part->magazine == &heap->cached[size_class]);
        MALLOW_ASSERT(atomic_load_explicit(&part->owner, memory_order_relaxed) == heap);
        /* The granule's first state is that of the slot around its start. */
        size_t before = (size_t)(part->state - slab->state);
        MALLOW_ASSERT(part->start == (uint32_t)(slab->start + before * size));
        MALLOW_ASSERT((uint32_t)(uintptr_t)granule_start(slab_granule(part)) - part->start < size);
    }
    return true;
}

static bool slab_states_are_valid(struct slab *slab) {
    uint32_t available = 0, none = 0;
    for (uint32_t at = 0; at < slab->state_bytes; at += 8) {
        uint64_t word = slab_load_states(slab->state, at);
        uint32_t here = slab_count_available(word);
        uint32_t none_here = (uint32_t)__builtin_popcountll(slab_states_equal(word, SLOT_NONE));
        MALLOW_ASSERT(here == 0 || at + 8 > slab->scan);
        MALLOW_ASSERT(here + none_here == 8 || at < slab->reach);
        available += here;
        none += none_here;
        for (uint32_t i = 0; here + none_here != 8 && i < 8; i++)
            MALLOW_ASSERT(slab_state_is_known((uint8_t)(word >> 8 * i)));
    }
    MALLOW_ASSERT(slab->state_bytes - none == slab->capacity);
    MALLOW_ASSERT(available == slab->capacity - slab->in_use);
    return true;
}

static bool slab_links_are_valid(struct heap *heap, struct slab *slab) {
    MALLOW_ASSERT(slab->listed == (slab->in_use < slab->capacity));
    if (!slab->listed) return true;
    struct slab *head = heap->bin[slab->size_class].partial;
    MALLOW_ASSERT((slab->prev == NULL ? head : slab->prev->next) == slab);
    MALLOW_ASSERT(slab->next == NULL || slab->next->prev == slab);
    return true;
}

bool slab_is_valid(struct heap *heap, struct slab *slab) {
    MALLOW_ASSERT(slab->kind == GRANULE_SLAB);
    MALLOW_ASSERT(slab->size_class < CLASSES);
    MALLOW_ASSERT(slab->capacity != 0);
    MALLOW_ASSERT(slab->in_use <= slab->capacity);
    MALLOW_ASSERT(slab->capacity <= slab->slots);
    MALLOW_ASSERT(slab->slots < slab->state_bytes);
    MALLOW_ASSERT(slab->state_bytes % CACHE_LINE == 0);
    MALLOW_ASSERT(slab_parts_are_valid(heap, slab));
    MALLOW_ASSERT(slab_states_are_valid(slab));
    MALLOW_ASSERT(slab_links_are_valid(heap, slab));
    return true;
}

#endif
