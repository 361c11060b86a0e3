/* The records of a profile, and the state at a moment that results from them. */
#include <string.h>

#include "common/xalloc.h"
#include "profiles/profile.h"

struct profile_cursor profile_records_of(const struct profile_section *section, size_t index,
                                         enum mallow_profile_type type) {
    const struct profile_block *records = &section->records[index];
    return records->type == type ? profile_cursor_of(records)
                                 : (struct profile_cursor){.end = NULL};
}

struct profile_cursor profile_sites_of(const struct profile_section *section, size_t index) {
    return profile_records_of(section, index, MALLOW_PROFILE_SITES);
}

struct profile_cursor profile_lives_of(const struct profile_section *section, size_t index,
                                       struct mallow_profile_live *live) {
    *live = (struct mallow_profile_live){.time = section->process.started,
                                         .thread = section->process.pid};
    return profile_records_of(section, index, MALLOW_PROFILE_LIVE);
}

const struct profile_snapshot *profile_last_with(const struct profile_section *section,
                                                 enum mallow_profile_type type) {
    for (size_t i = section->snapshot_count; i-- > 0;) {
        const struct profile_snapshot *snapshot = &section->snapshots[i];
        for (size_t j = snapshot->first_records; j < snapshot->end_records; j++)
            if (section->records[j].type == type) return snapshot;
    }
    return NULL;
}

/* ---- validity ---- */

/* Sums and products of such amounts are finite, too. */
static bool profile_state_is_amount(double value) { return value >= 0 && value < 1e60; }

static bool profile_state_is_sum(const struct mallow_profile_sum *sum) {
    return profile_state_is_amount(sum->blocks) && profile_state_is_amount(sum->bytes) &&
           profile_state_is_amount(sum->variance);
}

static bool profile_state_knows(const struct profile_section *section, uint32_t node) {
    return node == 0 || index_map_find(&section->node_numbers, node) != 0;
}

bool profile_site_is_valid(const struct profile_section *section,
                           const struct mallow_profile_site *site) {
    bool valid = profile_state_is_sum(&site->allocated) && profile_state_is_sum(&site->live) &&
                 profile_state_is_sum(&site->inherited) &&
                 profile_state_is_amount(site->peak_bytes) && site->large <= 1;
    for (size_t i = 0; i < MALLOW_PROFILE_LIFETIMES; i++)
        valid = valid && profile_state_is_amount(site->freed[i]);
    return valid && profile_state_knows(section, site->node);
}

bool profile_live_is_valid(const struct profile_section *section,
                           const struct mallow_profile_live *live) {
    return profile_state_is_amount(live->blocks) && live->blocks >= 1 && live->large <= 1 &&
           profile_state_knows(section, live->node);
}

ssize_t profile_site_of(const struct profile_section *section,
                        const struct mallow_profile_site *site) {
    if (!profile_site_is_valid(section, site)) return -1;
    uint32_t key = index_map_find(&section->site_numbers, index_map_pair(site->large, site->node));
    return (ssize_t)key - 1;
}

/* ---- moments ---- */

uint64_t profile_moment(const struct profile_section *section,
                        const struct profile_snapshot *snapshot) {
    return section->process.started_at + (snapshot->totals.time - section->process.started);
}

const struct profile_snapshot *profile_snapshot_at(const struct profile_section *section,
                                                   uint64_t moment) {
    const struct profile_snapshot *last = NULL;
    for (size_t i = 0; i < section->snapshot_count; i++)
        if (profile_moment(section, &section->snapshots[i]) <= moment)
            last = &section->snapshots[i];
    return last;
}

uint64_t profile_first_moment(const struct profile *profile) {
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < profile->count; i++)
        if (profile->sections[i]->process.started_at < first)
            first = profile->sections[i]->process.started_at;
    return first;
}

uint64_t profile_last_moment(const struct profile *profile) {
    uint64_t last = 0;
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_section *section = profile->sections[i];
        for (size_t j = 0; j < section->snapshot_count; j++)
            if (profile_moment(section, &section->snapshots[j]) > last)
                last = profile_moment(section, &section->snapshots[j]);
    }
    return last;
}

/* ---- states ---- */

struct mallow_profile_site *profile_state(const struct profile_section *section,
                                          const struct profile_snapshot *snapshot) {
    struct mallow_profile_site *state = xcalloc(section->site_count + 1, sizeof *state);
    for (size_t i = 0; snapshot != NULL && i < snapshot->end_records; i++) {
        struct profile_cursor cursor = profile_sites_of(section, i);
        struct mallow_profile_site site = {0};
        while (profile_next_site(&cursor, &site)) {
            ssize_t index = profile_site_of(section, &site);
            if (index >= 0) state[index] = site;
        }
    }
    return state;
}

/* ---- programs ---- */

bool profile_has_same_nodes(const struct profile_section *a, const struct profile_section *b) {
    for (size_t i = 0; i < a->site_count; i++) {
        uint32_t number = a->sites[i].number;
        uint32_t node = index_map_find(&b->node_numbers, number);
        if (node != 0 && b->nodes[node].pc != a->nodes[a->sites[i].node].pc) return false;
    }
    return true;
}

/* A profile that a process passes begins when it is requested, so two of them are sections of one
 * program although they begin at different times. */
static bool profile_state_is_same(const struct profile *profile, const struct profile_section *a,
                                  const struct profile_section *b) {
    if (a->process.pid != b->process.pid || strcmp(a->program, b->program) != 0) return false;
    if (profile->process != 0) return profile_has_same_nodes(a, b);
    return a->process.started == b->process.started &&
           a->process.started_at == b->process.started_at;
}

const struct profile_section *profile_find_same(const struct profile *profile,
                                                const struct profile_section *section) {
    for (size_t i = 0; i < profile->count; i++)
        if (profile_state_is_same(profile, profile->sections[i], section))
            return profile->sections[i];
    return NULL;
}
