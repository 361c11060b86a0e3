/* Peaks of groups of sites. */
#include <math.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sites/site_groups.h"

/* The sums of the live bytes of a section's groups. */
struct site_peaks {
    double *live;    /* of each site */
    double *sum;     /* of each group */
    double *highest; /* of each group */
    size_t *group;   /* of each site */
};

static void site_peaks_change(struct site_peaks *peaks, size_t site,
                              const struct mallow_profile_site *record) {
    size_t group = peaks->group[site];
    peaks->sum[group] += record->live.bytes - peaks->live[site];
    peaks->live[site] = record->live.bytes;
    peaks->highest[group] = fmax(peaks->highest[group], record->peak_bytes);
}

/* Applies the sites with that index. The second pass looks at the sums. */
static void site_peaks_apply(struct site_peaks *peaks, const struct profile_section *section,
                             size_t index, int pass) {
    struct profile_cursor cursor = profile_sites_of(section, index);
    struct mallow_profile_site record = {0};
    while (profile_next_site(&cursor, &record)) {
        ssize_t site = profile_site_of(section, &record);
        if (site < 0) continue;
        if (pass == 0) site_peaks_change(peaks, (size_t)site, &record);
        double *highest = &peaks->highest[peaks->group[site]];
        if (pass == 1) *highest = fmax(*highest, peaks->sum[peaks->group[site]]);
    }
}

/* Applies the snapshots that end with the given record. The sum counts only when a snapshot is
 * complete. */
static void site_peaks_replay(struct site_peaks *peaks, const struct profile_section *section,
                              const struct profile_snapshot *last) {
    for (const struct profile_snapshot *snapshot = section->snapshots; snapshot <= last;
         snapshot++) {
        for (int pass = 0; pass < 2; pass++)
            for (size_t i = snapshot->first_records; i < snapshot->end_records; i++)
                site_peaks_apply(peaks, section, i, pass);
    }
}

void site_groups_add_peaks(struct site_groups *groups, const struct profile_section *section,
                           const struct profile_snapshot *snapshot, int which) {
    struct site_peaks peaks = {
        .live = xcalloc(section->site_count + 1, sizeof *peaks.live),
        .group = xcalloc(section->site_count + 1, sizeof *peaks.group),
    };
    for (size_t i = 0; i < section->site_count; i++)
        peaks.group[i] = site_groups_of(groups, section, section->sites[i].node, 0);
    peaks.sum = xcalloc(groups->count + 1, sizeof *peaks.sum);
    peaks.highest = xcalloc(groups->count + 1, sizeof *peaks.highest);
    site_peaks_replay(&peaks, section, snapshot);
    for (size_t i = 0; i < groups->count; i++)
        groups->list[i].figures[which].peak_bytes += peaks.highest[i];
    free(peaks.live);
    free(peaks.sum);
    free(peaks.highest);
    free(peaks.group);
}
