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
#include "profile/profile_table.h"
#include "stack/call_tree.h"

struct site_block {
    size_t size;
    double weight;  /* 1 / p: the number of blocks that it represents */
    bool inherited; /* it was allocated before the sums began, by the parent of a fork */
};

/* Returns the number of the site, and creates it if necessary; 0 if there is no memory. */
uint32_t sites_of(stack_id stack, bool large);

stack_id sites_node(uint32_t site);
bool sites_is_large(uint32_t site);

/* Count a block of the site that was allocated, freed or resized. `age` is in nanoseconds. */
void site_allocated(uint32_t site, struct site_block block);
void site_freed(uint32_t site, struct site_block block, int64_t age);
void site_resized(uint32_t site, struct site_block before, struct site_block after);

/* Counts a live block again, after sites_begin or sites_forget_live. */
void site_live(uint32_t site, struct site_block block);

/* Begins all sums with zero, and only those of what is live. */
void sites_begin(void);
void sites_forget_live(void);

/* Which sites to read: those up to the number `last`, and of them only those that changed since
 * they were read last, unless `all` is true. */
struct sites_chosen {
    uint32_t last;
    bool all;
};

/* Returns the number of the last site. May race with other threads. */
uint32_t sites_last(void);

/* Copy up to `max` nodes or sums of sites. *next is 0 at first; 0 afterwards means that these are
 * the last ones. They return the number of sites that were copied, and take profile_lock. After
 * sites_read, the sites have not changed, unless `all` is true. */
size_t sites_read_nodes(uint32_t *next, struct sites_chosen chosen, stack_id *nodes, size_t max);
size_t sites_read(uint32_t *next, struct sites_chosen chosen, struct mallow_profile_site *sites,
                  size_t max);

/* Makes all sites count as changed. Takes profile_lock. */
void sites_mark_all(void);

/* Adds to what the blocks of the site pin. */
void site_pins(uint32_t site, double bytes, double variance);

/* Copies up to `max` sites up to the number `last` that pin memory. *next: see
 * sites_read. Takes profile_lock. */
size_t sites_read_pinned(uint32_t *next, uint32_t last, struct mallow_profile_pinned *pinned,
                         size_t max);

/* Forgets what all sites pin, because it is counted again. Takes profile_lock. */
void sites_forget_pinned(void);

void sites_repair(void);

/* Returns the table, for its memory (profile_memory.c). */
const struct table *sites_memory(void);

#endif
