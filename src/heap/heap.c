#include "heap/heap.h"

struct magazine_entry heap_no_entries[1] = {{NULL, (_Atomic uint8_t *)&heap_no_magazine}};
struct magazine heap_no_magazine = {heap_no_entries, heap_no_entries + 1};

struct empty_heap empty_heap = {
    .magazine = {[0 ... CLASSES - 1] = {heap_no_entries, heap_no_entries + 1}},
    .busy = 1,
    .cached = empty_heap.magazine,
};

__thread struct heap *self_heap = EMPTY_HEAP;

#ifdef MALLOW_ASSERTIONS

bool heap_is_entered(const struct heap *heap) {
    return owner_is_taken_by_self(&heap->owner) &&
           __atomic_load_n(&heap->busy, __ATOMIC_RELAXED) != 0;
}

bool heap_is_held(const struct heap *heap) {
    return open_lock_is_held(&heap->visit) || heap_is_entered(heap);
}

#endif
