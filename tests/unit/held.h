/* Holds the global lock or a heap, because functions of the core assert that their callers hold
 * them. */
#ifndef HELD_H
#define HELD_H

#include "heap/heap.h"
#include "os/open_lock.h"

static inline struct lock_hold *held_take(struct lock_hold *hold) {
    return !open_lock_is_held(&global_lock) && open_lock_take(&global_lock, hold) ? hold : NULL;
}

static inline void held_drop(struct lock_hold **hold) {
    if (*hold != NULL) open_lock_drop(&global_lock, *hold);
}

/* Holds the global lock until the block ends. The thread may already hold it. */
#define HOLD_LOCK()         \
    struct lock_hold hold_; \
    __attribute__((cleanup(held_drop), unused)) struct lock_hold *held_ = held_take(&hold_)

/* Makes the call, which needs the lock, and has its value. */
#define LOCKED(call) \
    ({               \
        HOLD_LOCK(); \
        call;        \
    })

/* Makes the thread the owner of the heap and marks it as being in a slow path. */
static inline void hold_heap(struct heap *heap) {
    owner_take(&heap->owner);
    heap->busy = 1;
}

#endif
