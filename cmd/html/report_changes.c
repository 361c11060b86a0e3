/* The errors of the differences between two profiles, for their report: as mallow diff computes
 * them.
 */
#include <stdlib.h>

#include "html/report.h"
#include "html/report_columns.h"
#include "sites/site_groups.h"
#include "sites/sites.h"

/* Adds the errors for the sites of `profile`. The sites of a process that both profiles contain
 * count in the later one. */
static void report_changes_add_profile(struct report_column *column, const struct profile *profile,
                                       const struct profile *other, bool is_later) {
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_section *mine = profile->sections[i];
        const struct profile_section *theirs = profile_find_same(other, mine);
        double *variances =
            site_difference_variances(theirs, theirs == NULL ? NULL : sites_last_snapshot(theirs),
                                      mine, sites_last_snapshot(mine));
        for (size_t j = 0; j < mine->site_count; j++)
            report_column_add(column, theirs != NULL && !is_later ? 0 : report_error(variances[j]));
        free(variances);
    }
}

void report_changes_add(struct report_columns *columns, const struct profile *before,
                        const struct profile *after) {
    report_changes_add_profile(report_column(columns, "a.site", "change", COLUMN_VALUES), before,
                               after, false);
    report_changes_add_profile(report_column(columns, "b.site", "change", COLUMN_VALUES), after,
                               before, true);
}
