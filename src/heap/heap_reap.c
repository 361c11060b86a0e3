#include "heap/heap_reap.h"

#include "base/assert.h"
#include "base/atomics.h"
#include "heap/heap_enter.h"
#include "heap/heap_owner.h"
#include "heap/heap_valid.h"
#include "heap/magazine.h"
#include "heap/mode.h"
#include "heap/remote.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "os/open_lock.h"

bool heap_reap(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    remote_collect_all(heap);
    magazines_flush_all(heap);
    shared_flush_waiting(heap);
    bool some = slab_retire_empty(heap);
    while (slab_retire_empty(heap)) continue;
    MALLOW_ASSERT(heap_is_valid(heap));
    return some;
}

bool heap_reap_whole(struct heap *heap) {
    bool some = mode_relieve(heap);
    some |= heap_reap(heap);
    return some;
}

bool heap_relieve(void) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return false;
    bool some = heap_reap_whole(heap);
    heap_leave(heap);
    return some;
}

/* Makes all slots of the class that the heap keeps available in its slabs. */
static void heap_reap_class(struct heap *heap, unsigned size_class) {
    while (remote_collect(heap, size_class)) continue;
    magazine_flush(heap, size_class, magazine_count(heap, size_class));
}

#define LOOKS_FOR_SLOTS 32 /* heaps that a thread looks at when it needs a slab */
#define LOOKS_FOR_SLAB 4   /* heaps that it then tries to reap */

/* Takes over a slab of a heap without a thread, which the caller has seized. */
static struct slab *heap_take_slab_of(struct heap *orphan, struct heap *heap, unsigned size_class) {
    struct slab *slab = orphan->bin[size_class].partial;
    if (slab != NULL) slab_transfer(slab, orphan, heap);
    /* Slots became available, so the heap is no longer settled (decay.c). */
    racy_store(&orphan->slow_path_count, orphan->slow_path_count + 1);
    heap_release(orphan);
    return slab;
}

struct slab *heap_take_orphan_slab(struct heap *heap, unsigned size_class) {
    if (heap_first()->next == NULL) return NULL;
    uint64_t signals = open_lock_hold_signals();
    struct slab *slab = NULL;
    struct frame_mark mark;
    struct heap *orphan = heap_seize_with_slots(size_class, LOOKS_FOR_SLOTS, heap, &mark);
    if (orphan != NULL) {
        heap_reap_class(orphan, size_class);
        slab = heap_take_slab_of(orphan, heap, size_class);
    }
    if (slab == NULL && (orphan = heap_seize_any(LOOKS_FOR_SLAB, heap, &mark)) != NULL) {
        heap_reap(orphan);
        slab = heap_take_slab_of(orphan, heap, size_class);
    }
    open_lock_release_signals(signals);
    return slab;
}

struct heap_counts heap_reap_all(void) {
    struct heap_counts counts = {0};
    struct frame_mark mark; /* each heap uses it in turn, until heap_end */
    uint64_t signals = open_lock_hold_signals();
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) {
        if (heap == self_heap || !heap_begin_marked(heap, &mark)) {
            counts.with_thread++;
            continue;
        }
        counts.without_thread++;
        heap_reap(heap);
        heap_end(heap);
    }
    open_lock_release_signals(signals);
    return counts;
}
