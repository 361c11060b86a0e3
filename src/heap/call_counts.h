/*
 * Exact counts of calls, for the summary (process/calls.h).
 *
 * The counting path increments the allocations of a class in the heap's stripe. Frees stay on the
 * fast path and are not counted. They follow from three numbers of each heap and class:
 *
 *     live  = issued - cached           issued: slots that left the slabs for this heap's magazine
 *     frees = allocations - live                or for the program, less those that went back
 *                                       cached: slots in the magazine now
 *
 * A slot that this heap frees for another heap counts as one that went back. `issued` and `live` of
 * a single heap can therefore be negative, but their sums over all heaps are right. Only slow paths
 * change `issued`.
 */
#ifndef MALLOW_CALL_COUNTS_H
#define MALLOW_CALL_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/heap.h"
#include "mallow_page.h"

struct class_counts {
    int64_t issued[CLASSES];
    int64_t live_bytes; /* of all classes, at the last look */
    bool is_shared;     /* the stripe is in the call file */
};

/* The page, and the file that it is a part of, or NULL. Only process/calls.c changes them. */
extern struct mallow_call_page *call_counts_page;
extern struct mallow_call_file *call_counts_file;

/* True while the counting path counts each call. */
extern bool call_counts_on;

/* Gives the heap a stripe while calls are counted exactly, unless there is no memory for it. The
 * heap's magazines must be empty. */
void call_counts_follow(struct heap *heap);

/* Ends exact counting in a heap. */
static inline void call_counts_detach(struct heap *heap) { heap->calls = NULL; }

/* Updates the frees of one class in the heap's stripe. */
void call_counts_look_at(struct heap *heap, unsigned size_class);

/* Updates the frees in the heap's stripe, and what is live in the page. Only the heap's owner may
 * call it while the thread runs. */
void call_counts_look(struct heap *heap);

/* Adds a stripe that is not in the call file to the page. */
void call_counts_fold(struct heap *heap);

/* Counts slots that left slabs (count > 0) or went back (count < 0). */
ALWAYS_INLINE void call_counts_issue(struct heap *heap, unsigned size_class, int64_t count) {
    if (unlikely(heap->calls != NULL)) heap->counting->counts->issued[size_class] += count;
}

/* Counts a slot that the calling thread freed without its magazine. */
void call_counts_slot_freed(unsigned size_class);

/* Count one call each in the page. Sizes are those that mallow_usable_size() returns. */
void call_counts_alloc(size_t size);
void call_counts_free(size_t size);
void call_counts_resize(size_t before, size_t after);

#endif
