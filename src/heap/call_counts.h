/* Exact counts of calls, for the summary (process/calls.h). class_counts.h explains how the frees
 * of slots are counted. */
#ifndef MALLOW_CALL_COUNTS_H
#define MALLOW_CALL_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/heap.h"
#include "mallow_page.h"

/* The page, and the file that it is a part of, or NULL. Only process/calls.c changes them. */
extern struct mallow_call_page *call_counts_page;
extern struct mallow_call_file *call_counts_file;

/* True while the counting path counts each call. */
extern bool call_counts_on;

/* Gives the heap a stripe while calls are counted exactly, unless there is no memory for it. The
 * heap's magazines must be empty. */
void call_counts_follow(struct heap *heap);

/* Ends exact counting in a heap. */
void call_counts_detach(struct heap *heap);

/* Update the frees of a class, or of all, in the heap's stripe, and what is live in the page. Only
 * the heap's owner may call them while the thread runs. */
void call_counts_look(struct heap *heap, unsigned size_class);
void call_counts_look_all(struct heap *heap);

/* Adds a stripe that is not in the call file to the page. */
void call_counts_fold(struct heap *heap);

/* Counts a slot that the calling thread freed without its magazine. */
void call_counts_add_slot_freed(unsigned size_class);
static inline void call_counts_slot_freed(unsigned size_class) {
    if (unlikely(racy_load(bool, &call_counts_on))) call_counts_add_slot_freed(size_class);
}

/* Count one call each in the page. Sizes are those that mallow_usable_size() returns. */
void call_counts_alloc(size_t size);
void call_counts_free(size_t size);
void call_counts_resize(size_t before, size_t after);

#endif
