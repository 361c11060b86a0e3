#include "top/top_sites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "sites/site_groups.h"
#include "sites/sites.h"

/* Rates are averages with weights that fall to 1/e in so many seconds, because a second has few
 * samples. */
#define RATE_SECONDS 5.0

/* ---- sites ---- */

static struct top_site *top_sites_of(struct top_sites *sites, uint32_t number) {
    uint32_t *index = index_map_add(&sites->numbers, (uint64_t)number + 1);
    if (*index != 0) return &sites->list[*index - 1];
    sites->list = xgrow(sites->list, sites->count, sizeof *sites->list);
    sites->list[sites->count++] = (struct top_site){.number = number};
    *index = (uint32_t)sites->count;
    return &sites->list[*index - 1];
}

/* A stack has a record for small blocks and one for large ones. */
static void top_sites_add(struct top_sites *sites, const struct profile_section *section,
                          const struct profile_snapshot *snapshot) {
    struct mallow_profile_site *state = profile_state(section, snapshot);
    for (size_t i = 0; i < section->site_count; i++) {
        if (state[i].allocated.samples == 0 && state[i].live.samples == 0) continue;
        struct top_site *site = top_sites_of(sites, section->sites[i].number);
        site->is_present = true;
        site_add_sum(&site->live, &state[i].live);
        site_add_sum(&site->allocated, &state[i].allocated);
        site_add_sum(&sites->total.live, &state[i].live);
        site_add_sum(&sites->total.allocated, &state[i].allocated);
    }
    free(state);
}

/* ---- rates ---- */

static void top_sites_change_rate(struct top_site *site, const struct mallow_profile_sum *before,
                                  double seconds, bool is_first) {
    double weight = is_first ? 1 : 1 - exp(-seconds / RATE_SECONDS);
    double bytes = fmax(site->allocated.bytes - before->bytes, 0) / seconds;
    double calls = fmax(site->allocated.blocks - before->blocks, 0) / seconds;
    double variance = fmax(site->allocated.variance - before->variance, 0) / (seconds * seconds);
    site->rate += weight * (bytes - site->rate);
    site->call_rate += weight * (calls - site->call_rate);
    site->rate_variance =
        (1 - weight) * (1 - weight) * site->rate_variance + weight * weight * variance;
}

/* ---- threads ---- */

static struct top_holder *top_sites_holder(struct top_sites *sites,
                                           const struct profile_section *section, uint32_t thread) {
    uint32_t *index = index_map_add(&sites->holder_numbers, thread);
    if (*index != 0) return &sites->holders[*index - 1];
    sites->holders = xgrow(sites->holders, sites->holder_count, sizeof *sites->holders);
    struct top_holder *holder = &sites->holders[sites->holder_count++];
    *holder = (struct top_holder){.thread = thread, .oldest = UINT64_MAX};
    uint32_t name = index_map_find(&section->thread_numbers, thread);
    if (name != 0) memcpy(holder->name, section->threads[name - 1].name, sizeof holder->name);
    *index = (uint32_t)sites->holder_count;
    return holder;
}

static void top_sites_hold(struct top_sites *sites, const struct profile_section *section,
                           const struct mallow_profile_live *live) {
    struct top_holder *holder = top_sites_holder(sites, section, live->thread);
    double bytes = (double)live->bytes * live->blocks;
    struct mallow_profile_sum sum = {1, live->blocks, bytes,
                                     (double)live->bytes * bytes * (live->blocks - 1)};
    site_add_sum(&holder->live, &sum);
    if (live->time < holder->oldest) holder->oldest = live->time;
}

static void top_sites_add_holders(struct top_sites *sites, const struct profile_section *section,
                                  const struct profile_snapshot *snapshot) {
    struct mallow_profile_live live;
    for (size_t i = snapshot->first_records; i < snapshot->end_records; i++) {
        struct profile_cursor cursor = profile_lives_of(section, i, &live);
        while (profile_next_live(&cursor, &live))
            if (profile_live_is_valid(section, &live)) top_sites_hold(sites, section, &live);
    }
}

/* ---- a profile ---- */

void top_sites_clear(struct top_sites *sites) {
    free(sites->list);
    free(sites->holders);
    index_map_clear(&sites->numbers);
    index_map_clear(&sites->holder_numbers);
    *sites = (struct top_sites){.list = NULL};
}

/* Sets the sums to zero. Returns the former sums of what was allocated, the total last. */
static struct mallow_profile_sum *top_sites_begin(struct top_sites *sites) {
    static const struct mallow_profile_sum none;
    struct mallow_profile_sum *before = xcalloc(sites->count + 1, sizeof *before);
    for (size_t i = 0; i < sites->count; i++) {
        before[i] = sites->list[i].allocated;
        sites->list[i].live = sites->list[i].allocated = none;
        sites->list[i].is_present = false;
    }
    before[sites->count] = sites->total.allocated;
    sites->total.live = sites->total.allocated = none;
    sites->holder_count = 0;
    free(sites->holders);
    sites->holders = NULL;
    index_map_clear(&sites->holder_numbers);
    return before;
}

void top_sites_update(struct top_sites *sites, const struct profile *profile) {
    static const struct mallow_profile_sum none;
    const struct profile_section *section = profile->sections[profile->count - 1];
    const struct profile_snapshot *snapshot = sites_last_snapshot(section);
    size_t count = sites->count;
    struct mallow_profile_sum *before = top_sites_begin(sites);
    double seconds = (double)(snapshot->totals.time - sites->now) / 1e9;
    bool has_time = sites->now != 0 && snapshot->totals.time > sites->now && seconds < 1e9;
    sites->sample_bytes = section->process.rate;
    sites->lost = snapshot->totals.samples_lost;
    top_sites_add(sites, section, snapshot);
    top_sites_add_holders(sites, section, snapshot);
    /* If sampling was turned off and on, the sums have begun anew. */
    if (sites->total.allocated.samples < before[count].samples) has_time = sites->has_rates = false;
    for (size_t i = 0; has_time && i < sites->count; i++)
        top_sites_change_rate(&sites->list[i], i < count ? &before[i] : &none, seconds,
                              !sites->has_rates);
    if (has_time) top_sites_change_rate(&sites->total, &before[count], seconds, !sites->has_rates);
    sites->has_rates = sites->has_rates || has_time;
    sites->now = snapshot->totals.time;
    free(before);
}
