#include "heap/remote.h"

#include "base/assert.h"
#include "base/atomics.h"
#include "heap/slab_available.h"

static void remote_push(struct heap *owner, struct slab *slab) {
    /* If the slab has retired, the class may already be that of another slab. */
    _Atomic(struct slab *) *list = &owner->pending[racy_load(uint8_t, &slab->size_class)];
    struct slab *head = atomic_load_explicit(list, memory_order_relaxed);
    do {
        slab->next_pending = head;
    } while (!atomic_compare_exchange_weak_explicit(list, &head, slab, memory_order_release,
                                                    memory_order_relaxed));
}

void remote_announce(struct heap *owner, struct slab *slab) {
    MALLOW_ASSERT(owner != NULL);
    if (remote_is_pending(slab)) return;
    if (atomic_exchange_explicit(&slab->pending, 1, memory_order_seq_cst) == 0)
        remote_push(owner, slab);
}

void remote_give(struct slab *slab, _Atomic uint8_t *state) {
    struct heap *owner = atomic_load_explicit(&slab->owner, memory_order_acquire);
    MALLOW_ASSERT(slab->index == 0);
    MALLOW_ASSERT(slot_state_get(state) != SLOT_USED);
    atomic_store_explicit(state, SLOT_REMOTE, memory_order_seq_cst);
    remote_announce(owner, slab);
}

static void remote_look_at(struct heap *heap, struct slab *slab) {
    struct heap *owner = atomic_load_explicit(&slab->owner, memory_order_seq_cst);
    if (owner != heap) {
        if (owner != NULL) remote_announce(owner, slab);
    } else if (slab->index == 0) {
        /* If the index is not 0, the granule now belongs to a newer slab, and only the `pending` of
         * that slab's first granule counts. */
        slab_harvest(heap, slab);
    }
}

bool remote_collect(struct heap *heap, unsigned size_class) {
    heap_assert_held(heap);
    MALLOW_ASSERT(size_class < CLASSES);
    _Atomic(struct slab *) *list = &heap->pending[size_class];
    if (heap->collecting == NULL && atomic_load_explicit(list, memory_order_relaxed) == NULL)
        return false;
    if (heap->collecting == NULL)
        racy_store(&heap->collecting, atomic_exchange_explicit(list, NULL, memory_order_acquire));
    for (unsigned i = 0; i < COLLECT_MAX && heap->collecting != NULL; i++) {
        struct slab *slab = heap->collecting;
        racy_store(&heap->collecting, slab->next_pending); /* before the slab can be pushed again */
        atomic_exchange_explicit(&slab->pending, 0, memory_order_seq_cst);
#ifndef __x86_64__
        atomic_thread_fence(memory_order_seq_cst); /* before the states are read */
#endif
        remote_look_at(heap, slab);
    }
    return true;
}

bool remote_collect_some(struct heap *heap) {
    bool some = false;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        some |= remote_collect(heap, size_class);
    return some;
}

void remote_collect_all(struct heap *heap) {
    while (remote_collect_some(heap)) continue;
}

bool remote_pending(const struct heap *heap) {
    if (racy_load(struct slab *, &heap->collecting) != NULL) return true;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        if (atomic_load_explicit(&heap->pending[size_class], memory_order_relaxed) != NULL)
            return true;
    return false;
}
