/* Errors of the estimates, and lifetimes. */
#include <math.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sites/site_groups.h"

double site_error(double variance) { return 1.96 * sqrt(variance > 0 ? variance : 0); }

/* ---- lifetimes ---- */

const double site_lifetime_ends[MALLOW_PROFILE_LIFETIMES - 1] = {0.001, 0.01, 0.1, 1,
                                                                 10,    100,  1000};

/* Live blocks are censored: they count as blocks at risk for as long as they have lived, and on
 * average for half of the last interval. */
int site_median_lifetime(const struct site_figures *figures) {
    double left = 0, survival = 1, aged = 0;
    for (size_t i = 0; i < MALLOW_PROFILE_LIFETIMES; i++) {
        left += figures->freed[i] + figures->aged[i];
        aged += figures->aged[i];
    }
    /* Without the live samples, the ages of the live blocks are unknown. */
    if (left <= 0 || (figures->live.blocks > 0 && aged <= 0)) return -1;
    for (int i = 0; i < MALLOW_PROFILE_LIFETIMES; i++) {
        double at_risk = left - figures->aged[i] / 2;
        if (at_risk > 0) survival *= 1 - figures->freed[i] / at_risk;
        if (survival <= 0.5) return i;
        left -= figures->freed[i] + figures->aged[i];
    }
    return MALLOW_PROFILE_LIFETIMES;
}

/* ---- differences ---- */

/* Returns an upper bound of the variance of the difference between the live bytes of one site at
 * two moments. Let V be the variance that the samples contribute which were allocated in between,
 * and of which at most `after` are still live. Those that are new, N <= min(V, after), and those
 * that were freed, N - (after - before), contribute; those that are live at both moments do not. */
static double site_statistics_difference(const struct mallow_profile_site *before,
                                         const struct mallow_profile_site *after) {
    double change = after->live.variance - before->live.variance;
    double new = after->allocated.variance - before->allocated.variance;
    if (after->allocated.samples < before->allocated.samples) /* sampling began again */
        return before->live.variance + after->live.variance;
    if (new > after->live.variance) new = after->live.variance;
    return fmax(2 * new - change, fabs(change));
}

double *site_difference_variances(const struct profile_section *section,
                                  const struct profile_snapshot *before,
                                  const struct profile_section *later,
                                  const struct profile_snapshot *after) {
    static const struct mallow_profile_site none;
    struct mallow_profile_site *earlier_state =
        section == NULL ? NULL : profile_state(section, before);
    struct mallow_profile_site *state = profile_state(later, after);
    double *variances = xcalloc(later->site_count + 1, sizeof *variances);
    for (size_t i = 0; i < later->site_count; i++) {
        const struct profile_site *site = &later->sites[i];
        const struct mallow_profile_site *earlier = &none;
        uint32_t number =
            section == NULL
                ? 0
                : index_map_find(&section->site_numbers, index_map_pair(site->large, site->number));
        if (number != 0) earlier = &earlier_state[number - 1];
        variances[i] = site_statistics_difference(earlier, &state[i]);
    }
    free(earlier_state);
    free(state);
    return variances;
}

void site_groups_add_variance(struct site_groups *groups, const struct profile_section *section,
                              const struct profile_snapshot *before,
                              const struct profile_section *later,
                              const struct profile_snapshot *after) {
    double *variances = site_difference_variances(section, before, later, after);
    for (size_t i = 0; i < later->site_count; i++) {
        size_t group = site_groups_of(groups, later, later->sites[i].node, 0);
        groups->list[group].variance += variances[i];
    }
    free(variances);
}
