/*
 * Frees by a thread that does not own the slab.
 *
 *     any thread                              the owner
 *     ----------                              ---------
 *     owner := slab.owner                     list := exchange(heap.pending[class], none)
 *     CAS(state, USED -> REMOTE)              for each slab of the list:
 *     if slab.pending = 0 and                     next := slab.next
 *        exchange(slab.pending, 1) = 0            exchange(slab.pending, 0)
 *         push slab on owner.pending              if still mine: harvest REMOTE states
 *                                                 else if owned: push it on its owner's list
 *
 * Nothing is lost: the CAS comes before the load of slab.pending, the owner's exchange before its
 * reading of the states, all of them sequentially consistent. So either the freeing thread sees
 * pending = 0 and pushes, or the owner that clears it sees REMOTE.
 * No slot is handed out twice: only the owner hands its slots out. Of several strangers that free
 * one at once one wins the CAS. The owner's fast path loads USED and stores CACHED; a stranger's
 * CAS before the load, or after the store, fails one of the two. In between it succeeds, and the
 * store then takes the slot back: both frees count as one, without a message, and the slab is on a
 * list in vain. A slab may retire or change hands between a CAS and the push that follows: its
 * descriptor then sits on the list of a heap that no longer owns it, and is forwarded or dropped
 * from there. tests/model explores all of it exhaustively.
 */
#ifndef MALLOW_REMOTE_H
#define MALLOW_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/slab.h"

/* Frees a slot whose state was seen USED; false when another free came first. */
bool remote_free(struct slab *slab, _Atomic uint8_t *state);

/* Gives a slot that this heap alone has back to its slab, which went to another heap meanwhile. */
void remote_give(struct slab *slab, _Atomic uint8_t *state);

#define COLLECT_MAX 64u /* slabs in one call: some tenths of a millisecond */

/* Makes slots that others freed available, in some slabs of the class (or in what the last call
 * left of another); false when there were none. */
bool remote_collect(struct heap *heap, unsigned size_class);

/* The same in some slabs of each class, and in all. */
bool remote_collect_some(struct heap *heap);
void remote_collect_all(struct heap *heap);

/* Whether there are any; may be asked by anybody. */
bool remote_pending(const struct heap *heap);

#endif
