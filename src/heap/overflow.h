/*
 * Frees that find the magazine full.
 *
 * The slot stays in its slab, in the state REMOTE, as if another thread had freed it. The fast path
 * does this itself, so a program that frees many blocks in a row neither moves the older half of
 * the magazine back to the slabs again and again, nor looks at each state a second time:
 *
 *     heap->overflow[class] -> slab -> slab -> ...     slabs with `overflowed`: they may have such
 *                                                      slots, which `in_use` still counts
 *
 * The owner makes the slots available (slab_harvest) when a magazine of the class is empty, before
 * it makes a slab, and in each sweep. Only the owner changes the list and the marks. A visitor does
 * the same for all slabs with a mark, and leaves list and marks alone.
 *
 * Once in OVERFLOW_LOOK such frees, the thread takes a slow path, where the magazine may grow and
 * memory goes back. While calls are counted exactly, no slab has a mark: each of these frees would
 * have to be counted.
 */
#ifndef MALLOW_OVERFLOW_H
#define MALLOW_OVERFLOW_H

#include <stdbool.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/heap.h"
#include "heap/slab.h"

#define OVERFLOW_LOOK 64u

/* Frees a slot that the caller's heap owns, and whose state is USED. Returns false, and does
 * nothing, if a slow path must do it. `part` describes the slot's granule. */
ALWAYS_INLINE bool overflow_free(const struct slab *part, _Atomic uint8_t *state) {
    unsigned count = self_heap->overflows + 1;
    if (unlikely(!part->overflowed) || unlikely(count % OVERFLOW_LOOK == 0)) return false;
    racy_store(&self_heap->overflows, count);
    /* Releases the thread's last accesses to the block, for a visitor. */
    atomic_store_explicit(state, SLOT_REMOTE, memory_order_release);
    return true;
}

/* Frees such a slot on a slow path. Its state may be USED or CACHED. */
void overflow_add(struct heap *heap, struct slab *part, _Atomic uint8_t *state);

/* Makes the slots of the class available in the slab that was the last to get some and, until the
 * heap has a slab with available slots, in others. */
void overflow_collect(struct heap *heap, unsigned size_class);

/* Makes all slots of the class, or of all classes, available. */
void overflow_collect_class(struct heap *heap, unsigned size_class);
void overflow_collect_all(struct heap *heap);

/* Forgets the heap's lists, for a repair, which removes the marks of the slabs. */
void overflow_forget_all(struct heap *heap);

#endif
