/*
 * The sums of samples for each site: a stack and a kind of block. profile_lock must be held, except
 * where a function says otherwise.
 */
#ifndef MALLOW_SITES_H
#define MALLOW_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow_profile.h"
#include "stack/call_tree.h"

struct site_block {
    size_t size;
    double weight; /* 1 / p: the number of blocks that it represents */
};

/* Returns the number of the site, and creates it if necessary; 0 if there is no memory. */
uint32_t sites_of(stack_id stack, bool large);

stack_id sites_node(uint32_t site);
bool sites_is_large(uint32_t site);

/* Count a block of the site that was allocated, freed or resized. `age` is in nanoseconds. */
void site_allocated(uint32_t site, struct site_block block);
void site_freed(uint32_t site, struct site_block block, int64_t age);
void site_resized(uint32_t site, struct site_block before, struct site_block after);

/* Counts a live block that was allocated before the sums began. */
void site_inherited(uint32_t site, struct site_block block);

/* Begins all sums with zero, and only those of what is live. */
void sites_begin(void);
void sites_forget_live(void);

/* Copies up to `max` sites that changed since they were copied last. *next is as in samples_read.
 * Takes profile_lock itself. */
size_t sites_read_changed(uint32_t *next, struct mallow_profile_site *sites, size_t max);

/* Makes sites_read_changed return all sites again. Takes profile_lock itself. */
void sites_mark_all(void);

void sites_repair(void);

#endif
