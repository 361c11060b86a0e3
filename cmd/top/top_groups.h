/* The allocation sites of a process as the rows of a table: one for each stack, or for each
 * function. */
#ifndef MALLOW_TOP_GROUPS_H
#define MALLOW_TOP_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow_profile.h"

struct top;

enum top_by { TOP_BY_FUNCTION, TOP_BY_STACK, TOP_BYS };

struct top_group {
    uint32_t number; /* of the node of its site with the most live bytes */
    double bytes;    /* live ones of that site */
    struct mallow_profile_sum live, allocated;
    double rate, rate_variance, call_rate; /* as in struct top_site */
};

struct top_groups {
    enum top_by by;
    struct top_group *list;
    size_t count;
    int64_t next; /* when more functions may be looked up, by clock_ms() */
};

/* Builds the groups of the current process. Looks up some of the functions that are not known: a
 * site has a group of its own until its function is known. */
void top_groups_build(struct top *top);

/* Looks up the functions of groups that are about to be shown, unless that would take too much of
 * the time. */
void top_groups_look_up(struct top *top, const size_t *rows, size_t count);

/* Returns what the group is called. The caller frees it. */
char *top_groups_title(const struct top *top, size_t row);

#endif
