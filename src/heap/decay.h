/*
 * Free memory that was not needed for about a second goes back to the kernel. Slow paths do this in
 * slices; the fast path never does.
 *
 *   pages of the page heap                        purge.c, with the next call that is due
 *   free pages in a thread's slabs                its thread, or a visitor
 *   magazines and slabs of threads that ended     the next thread that looks
 */
#ifndef MALLOW_DECAY_H
#define MALLOW_DECAY_H

#include <stdbool.h>

#include "base/compiler.h"
#include "heap/heap.h"

/* Called by the heap's thread in each slow path. Once in DECAY_SLOW_PATHS calls, it returns memory
 * that is due. */
#define DECAY_SLOW_PATHS 16u
void decay_look(struct heap *heap);
ALWAYS_INLINE void decay_turn(struct heap *heap) {
    if (unlikely(heap->slow_path_count % DECAY_SLOW_PATHS == 0)) decay_look(heap);
}

/* Returns memory that is due from the page heap and from other threads' heaps. Called by a thread
 * that is not in a slow path of a heap. */
void decay_look_at_others(void);

/* Called by the purge thread: completes one tour of all heaps and returns the free pages of the
 * page heap that are due. Returns false if nothing is left that could be returned, now or later. */
bool decay_round(void);

/* In the child of a fork: ends the tour of a thread that does not exist here. */
void decay_after_fork(void);

#endif
