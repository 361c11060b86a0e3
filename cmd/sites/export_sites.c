/* Visits the allocation sites of a profile, for formats with all figures. */
#include "sites/export_sites.h"

#include <stdlib.h>
#include <string.h>

#include "common/index_map.h"
#include "common/xalloc.h"

/* ---- threads ---- */

static void export_sites_add_thread(struct export_site_state *state, size_t site,
                                    const struct mallow_profile_live *live) {
    uint64_t key = index_map_pair((uint32_t)site, live->thread);
    uint32_t *number = index_map_add(&state->thread_numbers, key);
    if (*number == 0) {
        state->threads = xgrow(state->threads, state->thread_count, sizeof *state->threads);
        state->threads[state->thread_count++] =
            (struct export_site_thread){.thread = live->thread, .next = state->first[site]};
        state->first[site] = *number = (uint32_t)state->thread_count;
    }
    struct export_site_thread *thread = &state->threads[*number - 1];
    double bytes = live->blocks * (double)live->bytes;
    thread->blocks += live->blocks;
    thread->bytes += bytes;
    if (live->lost == 1) state->lost_bytes[site] += bytes;
}

static void export_sites_add_lives(struct export_site_state *state,
                                   const struct profile_section *section,
                                   const struct profile_snapshot *last) {
    struct mallow_profile_live live;
    for (size_t i = last->first_records; i < last->end_records; i++) {
        struct profile_cursor cursor = profile_lives_of(section, i, &live);
        while (profile_next_live(&cursor, &live)) {
            if (!profile_live_is_valid(section, &live)) continue;
            uint64_t key = index_map_pair(live.large, live.node);
            uint32_t site = index_map_find(&section->site_numbers, key);
            if (site != 0) export_sites_add_thread(state, site - 1, &live);
        }
    }
}

struct export_site_state export_sites_open(const struct profile_section *section) {
    struct export_site_state state = {.count = section->site_count};
    const struct profile_snapshot *last =
        section->snapshot_count == 0 ? NULL : &section->snapshots[section->snapshot_count - 1];
    state.sites = profile_state(section, last);
    state.first = xcalloc(section->site_count + 1, sizeof *state.first);
    state.lost_bytes = xcalloc(section->site_count + 1, sizeof *state.lost_bytes);
    if (last != NULL) export_sites_add_lives(&state, section, last);
    return state;
}

void export_sites_close(struct export_site_state *state) {
    index_map_clear(&state->thread_numbers);
    free(state->threads);
    free(state->first);
    free(state->lost_bytes);
    free(state->sites);
}
