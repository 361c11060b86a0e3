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
 * A thread that uses the class itself keeps the slot in its own magazine instead, in the state
 * CACHED_REMOTE: blocks that travel between threads are then allocated where they were freed last,
 * and only what overflows goes home.
 *
 * Nothing is lost: the CAS comes before the load of slab.pending, the owner's exchange before its
 * reading of the states, all of them sequentially consistent. So either the freeing thread sees
 * pending = 0 and pushes, or the owner that clears it sees REMOTE.
 * Nothing is freed twice: of several strangers that free a slot at once one wins the CAS. If the
 * owner frees it in the same instant, its plain store of CACHED comes last or makes the CAS fail;
 * only a stranger that had kept the slot then has it in its magazine as well, which is the one case
 * where a double free that races within nanoseconds goes unnoticed.
 * A visitor (heap_visit_begin) takes a list as the owner would, but only looks at the slabs and
 * then pushes them again: until then no owner finds them, and REMOTE stays REMOTE. A slab may
 * retire or change hands between a CAS and the push that follows: its descriptor then sits on the
 * list of a heap that no longer owns it, and is forwarded or dropped from there. tests/model
 * explores all of it exhaustively.
 */
#ifndef MALLOW_REMOTE_H
#define MALLOW_REMOTE_H

#include "slab.h"

/* Frees a slot whose state was seen USED; false when another free came first. */
bool remote_free(struct slab *slab, _Atomic uint8_t *state);

/* Frees it into the magazine of the calling thread, which must not be full; likewise. */
bool remote_keep(struct heap *heap, unsigned class, struct entry entry);

/* Gives a slot that was kept so back to its slab. */
void remote_give(struct slab *slab, _Atomic uint8_t *state);

/*
 * Of a heap whose thread may live and allocate: takes the list of slabs with slots that others
 * freed. Until each is handed back their owner does not find them, so a slot that is seen REMOTE
 * stays so. Only between heap_visit_begin and heap_visit_end.
 */
struct slab *remote_borrow(struct heap *heap, unsigned class);
void remote_hand_back(struct slab *slab);

/* Makes the slots that others freed available; false when there were none. */
bool remote_collect(struct heap *heap, unsigned class);
bool remote_collect_all(struct heap *heap);

#endif
