/*
 * Free memory that was not needed for about a second goes back to the kernel: from slow paths, in
 * slices, and never because of a call on the fast path.
 *
 *   pages of the page heap        purge.c, with the next call that is due
 *   pages in a thread's slabs     its own thread, or a visitor while that is not at work
 *   what threads that are gone left in magazines and slabs    the next thread that looks
 */
#ifndef MALLOW_DECAY_H
#define MALLOW_DECAY_H

#include <stdbool.h>

#include "base/compiler.h"
#include "heap/heap.h"

/* Of the heap's thread, in a slow path: looks whether something is due, once in many calls. */
#define DECAY_SLOW_PATHS 64u
void decay_look(struct heap *heap);
ALWAYS_INLINE void decay_turn(struct heap *heap) {
    if (unlikely(heap->slow_path_count % DECAY_SLOW_PATHS == 0)) decay_look(heap);
}

/* Of a thread that is not in its heap, if it has one. */
void decay_look_at_others(void);

/* Of the purge thread: one slice of each heap's sweep and of the page heap; false when nothing is
 * left that could go, or could become old enough. */
bool decay_round(void);

/* In the child of a fork: whoever was at it is not here. */
void decay_after_fork(void);

#endif
