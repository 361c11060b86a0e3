/*
 * The live sampled blocks: a table by address, and with it the sums of the sites that allocated
 * them (sites.h).
 *
 * All functions are thread-safe and allocate nothing. They may be called wherever the heap calls a
 * mode, but not while the global lock or a heap is held for a change.
 */
#ifndef MALLOW_SAMPLES_H
#define MALLOW_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow_profile.h"
#include "profile/profile_table.h"
#include "stack/call_tree.h"

/* Records a live block. `size`: the bytes that the block took from the countdown to the next sample
 * (sample_gap.h), for they give the probability with which it was sampled. `large`: all blocks of
 * this kind are recorded, so it represents only itself. Returns false, and counts the sample as
 * lost, if there is no memory or the lock is refused. The caller then treats the block as not
 * sampled. */
bool samples_add(const void *p, size_t size, bool large, stack_id stack);

/* Called when a block is freed, before its place can be allocated again. Returns false if it is not
 * recorded, or if the lock is refused: the block is then forgotten when the lock is next taken. */
bool samples_remove(const void *p);

/* Called before a block is resized in place or moved by the kernel. Another thread may allocate at
 * the old address as soon as it has moved. Returns what samples_end_resize needs; 0: the block is
 * not recorded. If the lock is refused, the sample is lost. */
uint32_t samples_begin_resize(const void *p);

/* Called afterwards. `now`: where the block is; NULL: it was left as it is. */
void samples_end_resize(uint32_t sample, const void *p, const void *now, size_t size);

/* Returns false if no block is recorded. May race with other threads. */
bool samples_any(void);

/* Forgets all blocks, and calls `forget` for each of them without a lock, after it was forgotten:
 * another thread may already have freed the block, or reused its place. */
void samples_forget_all(void (*forget)(const void *p, bool large));

/* Returns the number of samples that could not be recorded. */
uint64_t samples_lost(void);

/* Copies the live sample of the block that begins at p. Returns false if there is none. */
bool samples_get(const void *p, struct mallow_profile_live *live);

/* Copies up to `max` live samples of the sites up to the number `last_site`. *next is 0 at first; 0
 * afterwards means that these are the last ones. Returns the number of samples that were copied. */
size_t samples_read(uint32_t *next, uint32_t last_site, struct mallow_profile_live *live,
                    size_t max);

/* Counts for each site what its blocks pin (site_pins). Returns false, with nothing counted, if
 * more than `most` samples are live. */
bool samples_count_pinned(uint32_t most);

/* Returns how many free bytes the block keeps from going back to the kernel. Defined in
 * process/hooks.c. Called without a lock. */
extern size_t (*const samples_pinned_by)(const void *p);

/* Called in a copy of the process for a leak check: if another thread held the lock, the samples
 * are repaired when they are first read. */
void samples_after_copy(void);

/* Called in the child of a fork, which keeps the blocks and begins new sums. */
void samples_after_fork(void);

/* Returns the table, for its memory (profile_memory.c). */
const struct table *samples_memory(void);

#endif
