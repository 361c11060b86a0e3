/*
 * Frees by threads that do not own the slab.
 *
 *     any thread                              the owner
 *     ----------                              ---------
 *     owner := slab.owner                     list := exchange(heap.pending[class], none)
 *     CAS(state, USED -> REMOTE)              for each slab of the list:
 *     if slab.pending = 0 and                     next := slab.next_pending
 *        exchange(slab.pending, 1) = 0            exchange(slab.pending, 0)
 *         push slab on owner.pending              if still mine: harvest REMOTE states
 *                                                 else if owned: push it onto its owner's list
 *
 * No free is lost. The CAS comes before the load of slab.pending, and the owner's exchange comes
 * before it reads the states. All of these are sequentially consistent. So either the freeing
 * thread sees pending = 0 and pushes, or the owner that clears `pending` sees REMOTE afterwards.
 *
 * No slot is handed out twice, because only the owner hands out its slots:
 *   - If several other threads free a slot at the same time, one of them wins the CAS.
 *   - The owner's fast path loads USED and stores CACHED. If another thread's CAS comes before the
 *     load or after the store, the second of the two frees fails. If it comes in between, it
 *     succeeds, and the owner's store then takes the slot back. The two frees count as one, without
 *     a message, and the slab is on the list for nothing.
 *
 * A slab may retire or change owners between a CAS and the push that follows. Its descriptor is
 * then on the list of a heap that no longer owns it, which forwards or drops it.
 *
 * tests/model explores this protocol exhaustively.
 */
#ifndef MALLOW_REMOTE_H
#define MALLOW_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "heap/slab.h"

/* Frees a slot whose state was USED when the caller read it. `slab` describes the slab's first
 * granule. Returns the heap to which the slab belonged, or NULL if another free came first. The
 * caller must then call remote_announce if the slab is not pending. */
ALWAYS_INLINE struct heap *remote_mark(struct slab *slab, _Atomic uint8_t *state) {
    MALLOW_ASSERT(slab->index == 0);
    /* Read before the CAS. Until then the slot is used, so the slab has not retired. */
    struct heap *owner = atomic_load_explicit(&slab->owner, memory_order_acquire);
    uint8_t used = SLOT_USED;
    if (unlikely(owner == NULL)) return NULL; /* another free came first, and the slab retired */
    bool first = atomic_compare_exchange_strong_explicit(
        state, &used, SLOT_REMOTE, memory_order_seq_cst, memory_order_relaxed);
    return likely(first) ? owner : NULL;
}

ALWAYS_INLINE bool remote_is_pending(struct slab *slab) {
    return likely(atomic_load_explicit(&slab->pending, memory_order_seq_cst) != 0);
}

/* Puts the slab on its owner's list, unless it is on a list already. */
void remote_announce(struct heap *owner, struct slab *slab);

/* Does all three. Returns false if another free came first. */
static inline bool remote_free(struct slab *slab, _Atomic uint8_t *state) {
    struct heap *owner = remote_mark(slab, state);
    if (owner != NULL) remote_announce(owner, slab);
    return owner != NULL;
}

/* Gives back a slot that only the caller holds. Its slab now belongs to another heap. */
void remote_give(struct slab *slab, _Atomic uint8_t *state);

#define COLLECT_MAX 64u /* slabs in one call, which take some tenths of a millisecond */

/* Makes slots that other threads freed available, in up to COLLECT_MAX slabs. These are slabs that
 * an earlier call took but did not reach, or else pending slabs of the class. Returns false if
 * there are neither. The caller owns or visits the heap. */
bool remote_collect(struct heap *heap, unsigned size_class);

/* Calls remote_collect once for each class. Returns true if any of these calls returned true. */
bool remote_collect_some(struct heap *heap);

/* Collects until nothing is pending. */
void remote_collect_all(struct heap *heap);

/* Returns true if there is something to collect. Any thread may call it. */
bool remote_pending(const struct heap *heap);

#endif
