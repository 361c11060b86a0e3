#include "heap/overflow.h"

#include "base/assert.h"
#include "heap/size_class.h"
#include "heap/slab_available.h"
#include "heap/slab_lists.h"

void overflow_add(struct heap *heap, struct slab *part, _Atomic uint8_t *state) {
    struct slab *slab = slab_head(part);
    MALLOW_ASSERT(heap_is_entered(heap));
    MALLOW_ASSERT(heap->calls == NULL);
    MALLOW_ASSERT(atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap);
    racy_store(&heap->overflows, heap->overflows + 1);
    atomic_store_explicit(state, SLOT_REMOTE, memory_order_release);
    if (slab->overflowed) return;
    slab->next_overflow = heap->overflow[slab->size_class];
    heap->overflow[slab->size_class] = (uint32_t)slab_granule(slab);
    signal_order();
    slab_overflow_mark(slab, true);
}

/* Takes the first slab from the list and makes its slots available. The slab may retire. */
static void overflow_collect_one(struct heap *heap, unsigned size_class) {
    struct slab *slab = slab_of(heap->overflow[size_class]);
    MALLOW_ASSERT(slab->overflowed && slab->size_class == size_class);
    MALLOW_ASSERT(atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap);
    heap->overflow[size_class] = slab->next_overflow;
    slab_overflow_mark(slab, false);
    slab_harvest(heap, slab);
}

void overflow_collect(struct heap *heap, unsigned size_class) {
    MALLOW_ASSERT(heap_is_entered(heap));
    while (heap->overflow[size_class] != 0) {
        overflow_collect_one(heap, size_class);
        if (heap->bin[size_class].partial != NULL) return;
    }
}

void overflow_collect_class(struct heap *heap, unsigned size_class) {
    MALLOW_ASSERT(heap_is_entered(heap));
    while (heap->overflow[size_class] != 0) overflow_collect_one(heap, size_class);
}

void overflow_collect_all(struct heap *heap) {
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        overflow_collect_class(heap, size_class);
}

void overflow_forget_all(struct heap *heap) {
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        heap->overflow[size_class] = 0;
}
