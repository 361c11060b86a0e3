#include "heap/heap_reap.h"

#include "base/assert.h"
#include "heap/heap_enter.h"
#include "heap/heap_owner.h"
#include "heap/heap_valid.h"
#include "heap/magazine.h"
#include "heap/mode.h"
#include "heap/remote.h"
#include "heap/slab.h"
#include "os/open_lock.h"

bool heap_reap(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    remote_collect_all(heap);
    magazines_flush_all(heap);
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

#define LOOKS_FOR_SLAB 4 /* heaps that a thread tries when it needs a slab */

struct slab *heap_take_orphan_slab(struct heap *heap, unsigned size_class) {
    if (heap_first()->next == NULL) return NULL;
    uint64_t signals = open_lock_hold_signals();
    struct slab *slab = NULL;
    struct frame_mark mark;
    struct heap *orphan = heap_seize_any(LOOKS_FOR_SLAB, heap, &mark);
    if (orphan != NULL) {
        heap_reap(orphan);
        slab = orphan->bin[size_class].partial;
        if (slab != NULL) slab_transfer(slab, orphan, heap);
        heap_release(orphan);
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
