/*
 * The figures of allocation sites, summed up by stack, function, file, module or thread, for one
 * moment of a profile or for two that are compared.
 *
 * Figures are estimates. The variance of a sum is the sum of the variances, because blocks are
 * sampled independently.
 */
#ifndef MALLOW_SITE_GROUPS_H
#define MALLOW_SITE_GROUPS_H

#include "profiles/profile.h"
#include "stacks/stacks.h"

enum site_by { BY_FUNCTION, BY_STACK, BY_FILE, BY_MODULE, BY_PROCESS, BY_THREAD, BY_COUNT };

extern const char *const site_by_names[BY_COUNT];

struct site_figures {
    struct mallow_profile_sum allocated, live;
    struct mallow_profile_sum inherited; /* the part of `live` that was allocated before a fork */
    double peak_bytes;                   /* of several processes: the sum of their peaks */
    double freed[MALLOW_PROFILE_LIFETIMES];        /* blocks, by how long they lived */
    double aged[MALLOW_PROFILE_LIFETIMES];         /* live blocks, by how long they have lived */
    double youngest, oldest;                       /* ages of live blocks in seconds */
    double lost_blocks, lost_bytes, lost_variance; /* live blocks that no pointer leads to */
    size_t threads;                                /* that allocated the live samples */
};

struct site_group {
    uint32_t key;   /* the number of a stack or a text */
    uint32_t stack; /* with the most bytes; 0: unknown */
    double stack_bytes;
    struct site_figures figures[2]; /* of the two moments; sites of one moment have the first */
    double variance;                /* of the difference of the live bytes */
};

struct site_groups {
    enum site_by by;
    struct stacks *stacks;
    struct site_group *list;
    size_t count;
    struct index_map numbers; /* of keys, to indexes + 1 */
    struct index_map threads; /* pairs of a group and a thread that were counted */
};

struct site_groups *site_groups_open(struct stacks *stacks, enum site_by by);
void site_groups_free(struct site_groups *groups);

/* Adds the figures of a section at the time of the snapshot to `figures[which]`. The stacks of the
 * section must be known (stacks_add). */
void site_groups_add(struct site_groups *groups, const struct profile_section *section,
                     const struct profile_snapshot *snapshot, int which);

/* Returns the variances of the differences between two moments of the same process, or between
 * nothing (`section` is NULL) and one moment: one for each site of `later`. Samples that are live
 * at both moments do not contribute. The caller frees them. */
double *site_difference_variances(const struct profile_section *section,
                                  const struct profile_snapshot *before,
                                  const struct profile_section *later,
                                  const struct profile_snapshot *after);

/* Adds these variances to those of the groups. */
void site_groups_add_variance(struct site_groups *groups, const struct profile_section *section,
                              const struct profile_snapshot *before,
                              const struct profile_section *later,
                              const struct profile_snapshot *after);

/* Returns the group of a site, or of a live sample. */
size_t site_groups_of(struct site_groups *groups, const struct profile_section *section,
                      uint32_t node, uint32_t thread);

/* Adds one sum to another. */
void site_add_sum(struct mallow_profile_sum *to, const struct mallow_profile_sum *sum);

/* Returns half of the 95 % interval of a sum. */
double site_error(double variance);

/* Returns the index of the first lifetime during which half of the blocks or more were freed, by a
 * life table in which live blocks count as long as they have lived; MALLOW_PROFILE_LIFETIMES if
 * more than half live on; or -1 if it is unknown. */
int site_median_lifetime(const struct site_figures *figures);

/* The ends of the lifetimes in seconds; the last one has no end. */
extern const double site_lifetime_ends[MALLOW_PROFILE_LIFETIMES - 1];

/* Raises the peaks of the groups to those of a section (site_peaks.c). */
void site_groups_add_peaks(struct site_groups *groups, const struct profile_section *section,
                           const struct profile_snapshot *snapshot, int which);

#endif
