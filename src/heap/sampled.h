/*
 * Sampled blocks (profile/samples.h) in the heap. A sampled slot has a state of its own, so that
 * the fast path of free, which compares the state anyway, leaves it to the slow path. Blocks that
 * are too large for a slot never use the fast path.
 */
#ifndef MALLOW_SAMPLED_H
#define MALLOW_SAMPLED_H

#include <stdbool.h>

#include "heap/find.h"

/* Marks the block that begins at p, which the caller has just allocated. Returns false if it is not
 * a plain block: it belongs to a mode that sees all calls. */
bool sampled_mark(void *p);

/* Makes the block an ordinary one again, if it is marked. */
void sampled_unmark(const void *p);

/* Called before a block is freed: forgets the sample and makes the block an ordinary one. Returns
 * false if another thread frees it at the same time. */
bool sampled_end(const struct block_ref *block);

/* Forgets a sample. Defined in process/hooks.c. */
extern bool (*const sampled_forget)(const void *p);

#endif
