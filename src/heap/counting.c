#include "heap/counting.h"

#include <string.h>

#include "os/open_lock.h"
#include "pages/meta.h"

_Static_assert(sizeof(struct magazine) == sizeof(struct countdown),
               "counting_beside finds a countdown by the place of its magazine");

bool counting_make(struct heap *heap) {
    struct lock_hold hold;
    if (heap->counting != NULL) return true;
    if (!open_lock_take(&global_lock, &hold)) return false;
    struct counting *counting = meta_alloc(sizeof *counting);
    open_lock_drop(&global_lock, &hold);
    if (counting == NULL) return false;
    memset(counting, 0, sizeof *counting);
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        counting->cached[size_class] = (struct magazine){heap_no_entries, heap_no_entries + 1};
        counting->sentinels[size_class] = SENTINEL_TO(&counting->cached[size_class]);
        counting->countdown[size_class].left = &counting->countdown[size_class].own;
    }
    heap->counting = counting;
    return true;
}

void counting_restart(struct heap *heap) {
    if (heap->counting == NULL) return;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        counting_grant(heap, size_class, -*heap->counting->countdown[size_class].left);
        heap->counting->due[size_class] = 0;
    }
}

void counting_use_stripe(struct heap *heap, struct mallow_class_calls *stripe) {
    struct counting *counting = heap->counting;
    for (unsigned size_class = 0; counting != NULL && size_class < CLASSES; size_class++) {
        struct countdown *countdown = &counting->countdown[size_class];
        countdown->own = 0;
        countdown->left = stripe != NULL ? &stripe[size_class].left : &countdown->own;
    }
    signal_order();
    heap->calls = stripe;
    counting_restart(heap);
}
