#include "heap/shared_free.h"

#include <stdint.h>

#include "base/atomics.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "heap/call_counts.h"
#include "heap/heap_enter.h"
#include "heap/magazine.h"
#include "heap/shared.h"
#include "heap/slab.h"

/* Keeps the slot for the thread's next allocation of the class, if the thread still uses shared
 * slots of the class. */
static bool shared_free_keep(struct heap *heap, unsigned size_class, struct magazine_entry entry) {
    struct heap_bin *bin = &heap->bin[size_class];
    if (!shared_wants(bin, size_class)) return false;
    bin->heat++;
    if (magazine_full(&heap->cached[size_class])) {
        struct frame_mark mark;
        heap_begin_short(heap, &mark);
        magazine_grow(heap, size_class);
        heap_end_short(heap, &mark);
    }
    if (magazine_full(&heap->cached[size_class])) return false;
    magazine_push(heap, size_class, entry);
    return true;
}

/* Lets the slot wait, and returns the one that has waited, or NULL. While calls are counted, none
 * waits: what is in no magazine counts as live. */
static char *shared_free_exchange(struct heap *heap, unsigned size_class, char *slot) {
    size_t largest = min_size(settings.mxfast, settings.tcache_max);
    if (heap->calls != NULL || !shared_wants(&heap->bin[size_class], size_class) ||
        size_class_bytes(size_class) > largest || settings.tcache_count == 0)
        return slot;
    char *waited = heap->shared_waits[size_class];
    heap->shared_waits[size_class] = slot;
    return waited;
}

bool shared_free(char *slot, unsigned size_class) {
    uint8_t used = SLOT_USED;
    /* Any thread may free the slot, so all use compare-and-swap, and one of two frees fails. */
    if (!atomic_compare_exchange_strong_explicit(shared_state(slot), &used, SLOT_CACHED,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return false;
    struct heap *heap = self_heap;
    bool idle = heap_is_idle(heap);
    if (idle) slot = shared_free_exchange(heap, size_class, slot);
    if (slot == NULL) return true;
    bool kept = idle && shared_free_keep(heap, size_class,
                                         (struct magazine_entry){slot, shared_state(slot)});
    if (!kept) {
        call_counts_slot_freed(size_class);
        shared_give(slot);
    }
    return true;
}
