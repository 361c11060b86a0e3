#include "profile/sites.h"

#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "profile/profile_lock.h"
#include "profile/profile_table.h"

struct site {
    struct table_link link;
    struct mallow_profile_site sums;
    double pinned, pinned_variance; /* bytes, while a snapshot counts them */
    bool changed;                   /* since it was written last */
};

static UNTOUCHED char *sites_chunks[TABLE_CHUNKS];
static struct table sites_table = {.entry_bytes = sizeof(struct site), .chunks = sites_chunks};

static struct site *sites_at(uint32_t n) { return table_at(&sites_table, n); }

static bool sites_is(const struct site *site, stack_id stack, bool large) {
    return site->sums.node == stack && site->sums.large == large;
}

static uint32_t sites_add(stack_id stack, bool large, uint32_t hash) {
    uint32_t n = table_take(&sites_table);
    if (n == 0) return 0;
    struct site *site = sites_at(n);
    site->sums = (struct mallow_profile_site){.node = stack, .large = large};
    site->pinned = site->pinned_variance = 0;
    site->changed = true;
    table_insert(&sites_table, n, hash);
    return n;
}

uint32_t sites_of(stack_id stack, bool large) {
    uint32_t hash = table_hash((uint64_t)stack << 1 | large);
    uint32_t n = table_first(&sites_table, hash);
    while (n != 0 && !sites_is(sites_at(n), stack, large)) n = table_next(&sites_table, n);
    return n != 0 ? n : sites_add(stack, large, hash);
}

stack_id sites_node(uint32_t site) { return sites_at(site)->sums.node; }
bool sites_is_large(uint32_t site) { return sites_at(site)->sums.large != 0; }

/* ---- sums ---- */

/* S * S * (1 - p) / (p * p), which is S * S * w * (w - 1) for w = 1 / p. */
static double sites_variance(struct site_block block) {
    double size = (double)block.size;
    return size * size * block.weight * (block.weight - 1);
}

static void sites_add_to(struct mallow_profile_sum *sum, struct site_block block) {
    sum->samples++;
    sum->blocks += block.weight;
    sum->bytes += block.weight * (double)block.size;
    sum->variance += sites_variance(block);
}

/* The sum of nothing is exactly zero, whatever the rounding errors. */
static void sites_take_from(struct mallow_profile_sum *sum, struct site_block block) {
    if (--sum->samples == 0) {
        memset(sum, 0, sizeof *sum);
        return;
    }
    sum->blocks -= block.weight;
    sum->bytes -= block.weight * (double)block.size;
    sum->variance -= sites_variance(block);
}

static void sites_note_peak(struct mallow_profile_site *sums) {
    if (sums->live.bytes > sums->peak_bytes) sums->peak_bytes = sums->live.bytes;
}

static struct mallow_profile_site *sites_changing(uint32_t n) {
    struct site *site = sites_at(n);
    site->changed = true;
    return &site->sums;
}

void site_live(uint32_t site, struct site_block block) {
    struct mallow_profile_site *sums = sites_changing(site);
    sites_add_to(&sums->live, block);
    if (block.inherited) sites_add_to(&sums->inherited, block);
    sites_note_peak(sums);
}

void site_allocated(uint32_t site, struct site_block block) {
    sites_add_to(&sites_changing(site)->allocated, block);
    site_live(site, block);
}

static unsigned sites_lifetime(int64_t age) {
    unsigned lifetime = 0;
    int64_t limit = 1000000;
    while (lifetime < MALLOW_PROFILE_LIFETIMES - 1 && age >= limit) {
        lifetime++;
        limit *= 10;
    }
    return lifetime;
}

static void sites_take_live(struct mallow_profile_site *sums, struct site_block block) {
    sites_take_from(&sums->live, block);
    if (block.inherited) sites_take_from(&sums->inherited, block);
}

/* The sums of freed blocks leave out inherited blocks, which `allocated` leaves out, too. */
void site_freed(uint32_t site, struct site_block block, int64_t age) {
    struct mallow_profile_site *sums = sites_changing(site);
    sites_take_live(sums, block);
    if (!block.inherited) sums->freed[sites_lifetime(age)] += block.weight;
}

/* The bytes by which a block grows count as allocated. */
void site_resized(uint32_t site, struct site_block before, struct site_block after) {
    struct mallow_profile_site *sums = sites_changing(site);
    sites_take_live(sums, before);
    site_live(site, after);
    if (after.size <= before.size) return;
    sums->allocated.bytes += after.weight * (double)(after.size - before.size);
    sums->allocated.variance += sites_variance(after) - sites_variance(before);
}

/* ---- all sites ---- */

static struct mallow_profile_site *sites_change_used(uint32_t n) {
    return table_used(&sites_table, n) == NULL ? NULL : sites_changing(n);
}

RARE void sites_begin(void) {
    for (uint32_t n = 1; n <= sites_table.high; n++) {
        struct mallow_profile_site *sums = sites_change_used(n);
        if (sums != NULL)
            *sums = (struct mallow_profile_site){.node = sums->node, .large = sums->large};
    }
}

RARE void sites_forget_live(void) {
    for (uint32_t n = 1; n <= sites_table.high; n++) {
        struct mallow_profile_site *sums = sites_change_used(n);
        if (sums != NULL) sums->live = sums->inherited = (struct mallow_profile_sum){0};
    }
}

/* A site without any figures was part of an earlier section, and is left out. */
static bool sites_is_worth(const struct site *site) {
    return site->sums.allocated.samples != 0 || site->sums.peak_bytes != 0;
}

/* Returns the next chosen site after *n, or NULL. */
static struct site *sites_next(uint32_t *n, struct sites_chosen chosen) {
    while (*n < chosen.last) {
        struct site *site = table_used(&sites_table, ++*n);
        if (site != NULL && (site->changed || chosen.all) && sites_is_worth(site)) return site;
    }
    return NULL;
}

size_t sites_read_nodes(uint32_t *next, struct sites_chosen chosen, stack_id *nodes, size_t max) {
    struct lock_hold hold;
    struct site *site = NULL;
    size_t count = 0;
    uint32_t n = *next;
    *next = 0;
    if (!open_lock_take(&profile_lock, &hold)) return 0;
    while (count < max && (site = sites_next(&n, chosen)) != NULL) nodes[count++] = site->sums.node;
    if (site != NULL) *next = n;
    open_lock_drop(&profile_lock, &hold);
    return count;
}

size_t sites_read(uint32_t *next, struct sites_chosen chosen, struct mallow_profile_site *sites,
                  size_t max) {
    struct lock_hold hold;
    struct site *site = NULL;
    size_t count = 0;
    uint32_t n = *next;
    *next = 0;
    if (!open_lock_take(&profile_lock, &hold)) return 0;
    while (count < max && (site = sites_next(&n, chosen)) != NULL) {
        sites[count++] = site->sums;
        if (!chosen.all) site->changed = false;
    }
    if (site != NULL) *next = n;
    open_lock_drop(&profile_lock, &hold);
    return count;
}

/* ---- pinned memory ---- */

void site_pins(uint32_t site, double bytes, double variance) {
    sites_at(site)->pinned += bytes;
    sites_at(site)->pinned_variance += variance;
}

RARE size_t sites_read_pinned(uint32_t *next, uint32_t last, struct mallow_profile_pinned *pinned,
                              size_t max) {
    struct lock_hold hold;
    size_t count = 0;
    uint32_t n = *next;
    *next = 0;
    if (!open_lock_take(&profile_lock, &hold)) return 0;
    while (count < max && n < last) {
        struct site *site = table_used(&sites_table, ++n);
        if (site == NULL || site->pinned <= 0) continue;
        pinned[count++] = (struct mallow_profile_pinned){.node = site->sums.node,
                                                         .large = site->sums.large,
                                                         .bytes = site->pinned,
                                                         .variance = site->pinned_variance};
    }
    if (n < last) *next = n;
    open_lock_drop(&profile_lock, &hold);
    return count;
}

RARE void sites_forget_pinned(void) {
    struct lock_hold hold;
    if (!open_lock_take(&profile_lock, &hold)) return;
    for (uint32_t n = 1; n <= sites_table.high; n++) {
        struct site *site = table_used(&sites_table, n);
        if (site != NULL) site->pinned = site->pinned_variance = 0;
    }
    open_lock_drop(&profile_lock, &hold);
}

uint32_t sites_last(void) { return racy_load(uint32_t, &sites_table.high); }

RARE void sites_mark_all(void) {
    struct lock_hold hold;
    if (!open_lock_take(&profile_lock, &hold)) return;
    for (uint32_t n = 1; n <= sites_table.high; n++) sites_change_used(n);
    open_lock_drop(&profile_lock, &hold);
}

RARE void sites_repair(void) { table_repair(&sites_table); }

const struct table *sites_memory(void) { return &sites_table; }
