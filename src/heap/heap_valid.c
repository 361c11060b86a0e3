/* The invariants of heaps, for assertions. Each function that ends in `valid` asserts them and
 * returns true. */
#include "base/assert.h"

#ifdef MALLOW_ASSERTIONS

#    include "heap/heap_valid.h"

#    include "heap/magazine.h"
#    include "heap/slab.h"

static bool heap_empty_slab_is_valid(const struct heap *heap, unsigned i) {
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
            /* A slab that is listed twice has two predecessors, but only one `prev`. */
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
    for (unsigned i = 0; i < heap->empties; i++) MALLOW_ASSERT(heap_empty_slab_is_valid(heap, i));
    return true;
}

static bool heap_counts_are_valid(const struct heap *heap) {
    size_t room = 0, owned = 0, granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        if (heap->bin[size_class].entries != 0)
            room += (heap->bin[size_class].entries - 1u) * size_class_bytes(size_class);
    /* A slab belongs to the owner of its first granule, also while it changes hands. */
    for (size_t granule = 1; granule < granules; granule++) {
        const struct slab *slab = slab_of(granule);
        if (atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap && slab->index == 0)
            owned += size_class_granules(slab->size_class);
    }
    MALLOW_ASSERT(heap->cached_room == room);
    MALLOW_ASSERT(heap->granules == owned);
    return true;
}

bool heap_is_valid(struct heap *heap) {
    MALLOW_ASSERT(heap_lists_are_valid(heap));
    MALLOW_ASSERT(heap_counts_are_valid(heap));
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
