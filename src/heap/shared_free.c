#include "heap/shared_free.h"

#include <stdint.h>

#include "base/atomics.h"
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

bool shared_free(char *slot, unsigned size_class) {
    _Atomic uint8_t *state = shared_state(slot);
    uint8_t used = SLOT_USED;
    /* Any thread may free the slot, so all use compare-and-swap, and one of two frees fails. */
    if (!atomic_compare_exchange_strong_explicit(state, &used, SLOT_CACHED, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return false;
    struct heap *heap = self_heap;
    bool kept = heap_is_idle(heap) &&
                shared_free_keep(heap, size_class, (struct magazine_entry){slot, state});
    if (!kept) {
        call_counts_slot_freed(size_class);
        shared_give(slot);
    }
    return true;
}
