/* The invariants of heaps, slabs and magazines, for assertions. Each function that ends in `valid`
 * asserts them and returns true. */
#include "base/assert.h"

#ifdef MALLOW_ASSERTIONS

#    include "heap/heap.h"
#    include "heap/magazine.h"
#    include "heap/reciprocal.h"
#    include "heap/shared.h"
#    include "heap/slab.h"

/* ---- holding ---- */

bool heap_is_entered(const struct heap *heap) {
    return owner_is_taken_by_self(&heap->owner) &&
           __atomic_load_n(&heap->busy, __ATOMIC_RELAXED) != 0;
}

bool heap_is_held(const struct heap *heap) {
    return open_lock_is_held(&heap->visit) || heap_is_entered(heap);
}

/* ---- slabs ---- */

static bool slot_state_is_known(uint8_t state) {
    return state <= SLOT_NONE || state == SLOT_FREE ||
           (state >= SLOT_CHECKED && state <= SLOT_HELD_FRESH) || state == SLOT_CLOSING;
}

/* Top bit set in each byte of the word that equals the byte. */
static uint64_t state_bytes_equal(uint64_t word, uint8_t byte) {
    uint64_t apart = word ^ 0x0101010101010101ull * byte;
    return ~(((apart & AVAILABLE_MASK) + AVAILABLE_MASK) | apart) & ~AVAILABLE_MASK;
}

static unsigned states_available(uint64_t word) {
    return (unsigned)__builtin_popcountll(state_bytes_equal(word & AVAILABLE_MASK, SLOT_FRESH));
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
        MALLOW_ASSERT(part->magazine == &heap->freed[size_class]);
        MALLOW_ASSERT(atomic_load_explicit(&part->owner, memory_order_relaxed) == heap);
        /* Its first state is that of the slot around the granule's start. */
        size_t before = (size_t)(part->state - slab->state);
        MALLOW_ASSERT(part->start == (uint32_t)(slab->start + before * size));
        MALLOW_ASSERT((uint32_t)(uintptr_t)granule_start(slab_granule(part)) - part->start < size);
    }
    return true;
}

static bool slab_states_are_valid(struct slab *slab) {
    uint32_t available = 0, none = 0;
    for (uint32_t at = 0; at < slab->state_bytes; at += 8) {
        uint64_t word = load_states(slab->state, at);
        uint32_t here = states_available(word);
        uint32_t none_here = (uint32_t)__builtin_popcountll(state_bytes_equal(word, SLOT_NONE));
        MALLOW_ASSERT(here == 0 || at + 8 > slab->scan);
        MALLOW_ASSERT(here + none_here == 8 || at < slab->reach);
        available += here;
        none += none_here;
        for (uint32_t i = 0; here + none_here != 8 && i < 8; i++)
            MALLOW_ASSERT(slot_state_is_known((uint8_t)(word >> 8 * i)));
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

/* ---- magazines ---- */

static const struct entry *magazine_bottom(const struct heap *heap, const struct magazine *magazine,
                                           unsigned size_class) {
    unsigned entries = heap->bin[size_class].entries;
    return magazine->limit - (entries == 0 ? 1 : entries);
}

static bool magazine_entry_is_valid(const struct heap *heap, unsigned size_class,
                                    const struct entry *entry) {
    size_t granule = granule_of(entry->slot);
    MALLOW_ASSERT(entry->slot != NULL);
    MALLOW_ASSERT(granule < __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE));
    const struct slab *slab = slab_of(granule);
    uint8_t state = state_get(entry->state);
    if (slab->kind == GRANULE_SHARED) {
        MALLOW_ASSERT(entry->state == &slab->state[shared_unit(entry->slot)]);
        MALLOW_ASSERT(state == SLOT_CACHED);
        MALLOW_ASSERT(shared_class(slab, shared_unit(entry->slot)) == size_class);
        return true;
    }
    MALLOW_ASSERT(slab->kind == GRANULE_SLAB);
    MALLOW_ASSERT(slab->size_class == size_class);
    MALLOW_ASSERT(atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap);
    uint64_t product =
        reciprocal_product((uint32_t)(uintptr_t)entry->slot - slab->start, slab->reciprocal);
    MALLOW_ASSERT(reciprocal_is_start(product, slab->reciprocal));
    MALLOW_ASSERT(entry->state == slab->state + reciprocal_slot(product));
    MALLOW_ASSERT(state == SLOT_CACHED || state == SLOT_CACHED_FRESH);
    return true;
}

/* The slots seen so far, by a hash: only slots of one hash are compared with each other. */
#    define HASHES 4096u
struct seen {
    uint64_t bits[HASHES / 64];
};

static bool magazine_has(const char *slot, const struct entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (entries[i].slot == slot) return true;
    return false;
}

static bool seen_may_have(struct seen *seen, const char *slot) {
    size_t hash = (size_t)((uintptr_t)slot / UNIT * 0x9e3779b97f4a7c15ull >> 52) % HASHES;
    uint64_t bit = (uint64_t)1 << hash % 64, before = seen->bits[hash / 64];
    seen->bits[hash / 64] = before | bit;
    return (before & bit) != 0;
}

static bool magazine_side_is_valid(const struct heap *heap, const struct magazine *side,
                                   unsigned size_class, struct seen *seen) {
    const struct magazine *magazine = &side[size_class], *other = &heap->magazine[size_class];
    unsigned entries = heap->bin[size_class].entries;
    const struct entry *bottom = magazine_bottom(heap, magazine, size_class);
    MALLOW_ASSERT(bottom->slot == NULL);
    MALLOW_ASSERT(magazine->top >= bottom);
    MALLOW_ASSERT(entries != 0 || magazine->top == no_entries);
    size_t count = (size_t)(magazine->top - bottom);
    /* An array without room for an entry has room for the one that malloc pops at once. */
    MALLOW_ASSERT(count < (entries == 1 ? 2 : entries) || count == 0);
    for (const struct entry *entry = bottom + 1; entry <= magazine->top; entry++) {
        MALLOW_ASSERT(magazine_entry_is_valid(heap, size_class, entry));
        if (!seen_may_have(seen, entry->slot)) continue;
        MALLOW_ASSERT(!magazine_has(entry->slot, bottom + 1, (size_t)(entry - bottom - 1)));
        if (magazine == other) continue;
        const struct entry *first = magazine_bottom(heap, other, size_class) + 1;
        MALLOW_ASSERT(!magazine_has(entry->slot, first, (size_t)(other->top + 1 - first)));
    }
    return true;
}

bool magazine_is_valid(const struct heap *heap, unsigned size_class) {
    struct seen seen = {{0}};
    MALLOW_ASSERT(heap_is_entered(heap));
    magazine_side_is_valid(heap, heap->magazine, size_class, &seen);
    if (heap->freed != heap->magazine) magazine_side_is_valid(heap, heap->freed, size_class, &seen);
    return true;
}

/* ---- heaps ---- */

static bool empty_slab_is_valid(const struct heap *heap, unsigned i) {
    struct slab *slab = heap->empty[i];
    MALLOW_ASSERT(atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap);
    MALLOW_ASSERT(slab->in_use == 0);
    MALLOW_ASSERT(slab->listed);
    for (unsigned other = 0; other < i; other++) MALLOW_ASSERT(heap->empty[other] != slab);
    return true;
}

bool heap_lists_are_valid(struct heap *heap) {
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        const struct slab *before = NULL;
        for (struct slab *slab = heap->bin[size_class].partial; slab != NULL; slab = slab->next) {
            /* One that is listed twice has only one of two neighbours before it. */
            MALLOW_ASSERT(slab->prev == before);
            MALLOW_ASSERT(slab->listed);
            MALLOW_ASSERT(slab->kind == GRANULE_SLAB);
            MALLOW_ASSERT(slab->index == 0);
            MALLOW_ASSERT(slab->size_class == size_class);
            MALLOW_ASSERT(slab->in_use < slab->capacity);
            MALLOW_ASSERT(atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap);
            before = slab;
        }
    }
    MALLOW_ASSERT(heap->empties <= EMPTY_SLABS);
    for (unsigned i = 0; i < heap->empties; i++) MALLOW_ASSERT(empty_slab_is_valid(heap, i));
    return true;
}

bool heap_is_valid(struct heap *heap) {
    MALLOW_ASSERT(heap_lists_are_valid(heap));
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        MALLOW_ASSERT(magazine_is_valid(heap, size_class));
        struct slab *slab = heap->bin[size_class].partial;
        for (; slab != NULL; slab = slab->next) MALLOW_ASSERT(slab_is_valid(heap, slab));
    }
    return true;
}

#    define SLOW_PATHS_PER_CHECK 1024u

bool heap_is_valid_at_times(struct heap *heap) {
    return heap->slow_path_count % SLOW_PATHS_PER_CHECK != 0 || heap_is_valid(heap);
}

#endif
