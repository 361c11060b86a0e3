/* mallow sites: its settings, and its output. */
#ifndef MALLOW_SITES_H
#define MALLOW_SITES_H

#include <stdbool.h>

#include "sites/site_groups.h"

enum site_order { ORDER_LIVE, ORDER_PEAK, ORDER_ALLOCATED, ORDER_CALLS, ORDER_TEMPORARY, ORDERS };

extern const char *const site_order_names[ORDERS];

struct sites_settings {
    enum site_by by;
    enum site_order order;
    unsigned long top, process; /* 0: all */
    bool stacks, json;
};

/* Print the groups, which are sorted. */
void sites_print(const struct sites_settings *settings, const struct profile *profile,
                 const struct site_groups *groups);
void sites_print_json(const struct sites_settings *settings, const struct profile *profile,
                      const struct site_groups *groups);

/* Returns the sum over all groups. */
struct site_figures sites_total(const struct site_groups *groups, int which);

/* Returns the blocks that were freed within 1 ms as a share of all that were allocated. */
double site_temporary_share(const struct site_figures *figures);

/* Returns the last complete snapshot of a section, or NULL. */
const struct profile_snapshot *sites_last_snapshot(const struct profile_section *section);

#endif
