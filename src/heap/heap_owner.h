/* Which thread owns a heap, and the registry of all heaps. */
#ifndef MALLOW_HEAP_OWNER_H
#define MALLOW_HEAP_OWNER_H

#include <stdbool.h>

#include "heap/heap.h"
#include "os/frame_mark.h"

/* The registry, newest first. */
struct heap *heap_first(void);

/* Whether the slow path that marked the heap busy will not go on. */
bool heap_is_interrupted_for_ever(const struct heap *heap, const struct frame_mark *mark);

/* Whether the heap is the calling thread's own, or one that it stands in for. */
bool heap_is_in_use_here(const struct heap *heap);

/* Becomes the owner of a heap that has none, makes it whole and marks it busy. */
bool heap_seize(struct heap *heap, struct frame_mark *mark);
void heap_release(struct heap *heap);

/* Seizes one of the next `looks` heaps in the registry. */
struct heap *heap_seize_any(int looks, struct heap *except, struct frame_mark *mark);

/* Busy already, or else made for the caller. */
struct heap *heap_acquire(struct frame_mark *mark);

#endif
