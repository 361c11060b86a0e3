/* The invariants of magazines, for assertions. Each function that ends in `valid` asserts them and
 * returns true. */
#include "base/assert.h"

#ifdef MALLOW_ASSERTIONS

#    include "heap/magazine.h"
#    include "heap/shared.h"
#    include "heap/slab.h"
#    include "heap/slot_location.h"

static bool magazine_entry_is_valid(const struct heap *heap, unsigned size_class,
                                    const struct magazine_entry *entry) {
    size_t granule = granule_of(entry->slot);
    MALLOW_ASSERT(entry->slot != NULL);
    MALLOW_ASSERT(granule < __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE));
    const struct slab *slab = slab_of(granule);
    uint8_t state = slot_state_get(entry->state);
    if (slab->kind == GRANULE_SHARED) {
        MALLOW_ASSERT(entry->state == &slab->state[shared_unit(entry->slot)]);
        MALLOW_ASSERT(state == SLOT_CACHED);
        MALLOW_ASSERT(shared_class(slab, shared_unit(entry->slot)) == size_class);
        return true;
    }
    MALLOW_ASSERT(slab->kind == GRANULE_SLAB);
    MALLOW_ASSERT(slab->size_class == size_class);
    MALLOW_ASSERT(atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap);
    reciprocal_pair product =
        reciprocal_product((uint32_t)(uintptr_t)entry->slot - slab->start, slab->reciprocal);
    MALLOW_ASSERT(reciprocal_is_start(product, slab->reciprocal));
    MALLOW_ASSERT(entry->state == slab->state + reciprocal_slot(product));
    MALLOW_ASSERT(state == SLOT_CACHED || state == SLOT_CACHED_FRESH);
    return true;
}

/* The hashes of the slots seen so far. A slot is compared with the others only if its hash was seen
 * before. */
#    define HASHES 4096u
struct magazine_seen {
    uint64_t bits[HASHES / 64];
};

static bool magazine_has(const char *slot, const struct magazine_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (entries[i].slot == slot) return true;
    return false;
}

static bool magazine_seen_may_have(struct magazine_seen *seen, const char *slot) {
    size_t hash = (size_t)((uintptr_t)slot / UNIT * 0x9e3779b97f4a7c15ull >> 52) % HASHES;
    uint64_t bit = (uint64_t)1 << hash % 64, before = seen->bits[hash / 64];
    seen->bits[hash / 64] = before | bit;
    return (before & bit) != 0;
}

bool magazine_is_valid(const struct heap *heap, unsigned size_class) {
    const struct magazine *magazine = &heap->cached[size_class];
    unsigned entries = heap->bin[size_class].entries;
    const struct magazine_entry *bottom = magazine->limit - (entries == 0 ? 1 : entries);
    struct magazine_seen seen = {{0}};
    MALLOW_ASSERT(heap_is_entered(heap));
    MALLOW_ASSERT(magazine == &heap->magazine[size_class] ||
                  heap->magazine[size_class].top == &heap->counting->sentinels[size_class]);
    MALLOW_ASSERT(bottom->slot == NULL);
    MALLOW_ASSERT(magazine->top >= bottom);
    MALLOW_ASSERT(entries != 0 || magazine->top == heap_no_entries);
    size_t count = (size_t)(magazine->top - bottom);
    /* An array without room for an entry holds the one that malloc pops at once. */
    MALLOW_ASSERT(count < (entries == 1 ? 2 : entries) || count == 0);
    for (const struct magazine_entry *entry = bottom + 1; entry <= magazine->top; entry++) {
        MALLOW_ASSERT(magazine_entry_is_valid(heap, size_class, entry));
        if (!magazine_seen_may_have(&seen, entry->slot)) continue;
        MALLOW_ASSERT(!magazine_has(entry->slot, bottom + 1, (size_t)(entry - bottom - 1)));
    }
    return true;
}

#endif
