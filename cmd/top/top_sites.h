/* The allocation sites and threads of a process by its samples, and how they change from one
 * profile to the next. */
#ifndef MALLOW_TOP_SITES_H
#define MALLOW_TOP_SITES_H

#include <stdbool.h>

#include "profiles/profile.h"

/* A stack that has allocated. */
struct top_site {
    uint32_t number; /* of its node in the profile; 0: the stack is unknown */
    struct mallow_profile_sum live, allocated;
    double rate, rate_variance; /* bytes allocated per second, over the last seconds */
    double call_rate;
    bool is_present; /* in the last profile */
};

/* The samples of a thread that are live. */
struct top_holder {
    uint32_t thread;
    struct mallow_profile_sum live;
    uint64_t oldest; /* nanoseconds of CLOCK_MONOTONIC */
    char name[17];   /* contains no control characters */
};

struct top_sites {
    struct top_site *list;
    size_t count;
    struct index_map numbers; /* of nodes + 1, to indexes + 1 */
    struct top_site total;    /* its number is not used */
    struct top_holder *holders;
    size_t holder_count;
    struct index_map holder_numbers; /* of threads, to indexes + 1 */
    uint64_t sample_bytes;           /* mean bytes between samples */
    uint64_t now;                    /* time of the snapshot, in nanoseconds */
    uint64_t lost;                   /* samples that there was no memory to record */
    bool has_rates;
};

/* Replaces the figures by those of the profile's last section. */
void top_sites_update(struct top_sites *sites, const struct profile *profile);

void top_sites_clear(struct top_sites *sites);

#endif
