/* mallow diff: its settings, and its output. */
#ifndef MALLOW_DIFF_H
#define MALLOW_DIFF_H

#include <stdbool.h>

#include "sites/site_groups.h"

struct diff_settings {
    enum site_by by;
    unsigned long top;     /* 0: all */
    double from, to;       /* seconds; negative: not given */
    unsigned long seconds; /* between two looks at a process */
    bool is_timed;         /* `seconds` was given */
    bool stacks, json;
};

struct diff_moment {
    struct profile *profile;
    uint64_t time; /* nanoseconds since 1970; UINT64_MAX: the last snapshot */
};

/* Returns the difference of the live bytes. */
double diff_change(const struct site_group *group);

/* Returns true if the 95 % interval of the difference does not contain 0. */
bool diff_is_significant(const struct site_group *group);

/* Print the groups, which are sorted. */
void diff_print(const struct diff_settings *settings, const struct diff_moment *before,
                const struct diff_moment *after, const struct site_groups *groups);
void diff_print_json(const struct diff_settings *settings, const struct diff_moment *before,
                     const struct diff_moment *after, const struct site_groups *groups);

#endif
