/* The owners of heaps, and the registry of all heaps. */
#ifndef MALLOW_HEAP_OWNER_H
#define MALLOW_HEAP_OWNER_H

#include <stdbool.h>

#include "heap/heap.h"
#include "os/frame_mark.h"

/* Returns the newest heap; `next` leads to the older ones. */
struct heap *heap_first(void);

/* Returns true if the slow path that marked the heap busy can no longer continue. */
bool heap_is_interrupted_for_ever(const struct heap *heap, const struct frame_mark *mark);

/* Returns true if the heap is the calling thread's, or if the thread has a stand-in for it. */
bool heap_is_in_use_here(const struct heap *heap);

/* Makes the caller the owner of a heap whose owner has ended, or that the caller seized earlier and
 * left by a jump. Repairs the heap if it was busy. Marks it busy, so that the child of a fork in
 * another thread repairs it. Returns false if the heap cannot be seized now. */
bool heap_seize(struct heap *heap, struct frame_mark *mark);

/* Gives up a heap that was seized or acquired. */
void heap_release(struct heap *heap);

/* Tries to seize the next `looks` heaps in the registry, except for one, and returns the first that
 * it could seize; NULL if there was none. */
struct heap *heap_seize_any(int looks, struct heap *except, struct frame_mark *mark);

/* Seizes a heap that seems to have available slots of the class, or slots that other threads freed.
 * Tries the heap for which `self`, the caller's heap, last freed slots, and then the next `looks`
 * heaps in the registry. Returns NULL if it could seize none. */
struct heap *heap_seize_with_slots(unsigned size_class, int looks, struct heap *self,
                                   struct frame_mark *mark);

/* Returns a heap that the caller owns from now on: one whose owner has ended, already marked busy,
 * or a new one. Returns NULL if there is no memory. */
struct heap *heap_acquire(struct frame_mark *mark);

#endif
