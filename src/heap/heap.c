#include "heap/heap.h"

struct entry heap_no_entries[1];

#define EMPTY_1 {heap_no_entries, heap_no_entries + 1}
#define EMPTY_8 EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1, EMPTY_1
#define EMPTY_72 EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8, EMPTY_8
_Static_assert(CLASSES == 73, "the initialiser below names each magazine");

struct empty_heap empty_heap = {.magazine = {EMPTY_72, EMPTY_1}, .busy = 1};

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
