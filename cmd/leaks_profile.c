/* mallow leaks FILE: finds the blocks in a profile that were not freed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "leaks.h"
#include "profile.h"
#include "site_groups.h"
#include "site_print.h"
#include "sites.h"

#define EXIT_LOST 1

/* Why blocks are listed. */
enum leaks_profile_kind { KIND_LOST, KIND_NOT_FREED, KIND_LIVE };

static const char *const leaks_profile_titles[] = {
    [KIND_LOST] = "lost: no pointer led to them",
    [KIND_NOT_FREED] = "not freed when the program ended; pointers may still have led to them",
    [KIND_LIVE] = "still allocated at the last snapshot, and may still have been needed",
};

static const char *const leaks_profile_names[] = {
    [KIND_LOST] = "lost", [KIND_NOT_FREED] = "not freed", [KIND_LIVE] = "live"};

static enum leaks_profile_kind leaks_profile_kind_of(const struct profile *profile,
                                                     const struct site_groups *groups) {
    for (size_t i = 0; i < groups->count; i++)
        if (groups->list[i].figures[0].lost_blocks > 0) return KIND_LOST;
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_snapshot *last = sites_last_snapshot(profile->sections[i]);
        if (last == NULL || last->totals.reason != MALLOW_PROFILE_EXIT) return KIND_LIVE;
    }
    return KIND_NOT_FREED;
}

/* Replaces the live figures by those of lost blocks. */
static void leaks_profile_keep_lost(struct site_groups *groups) {
    for (size_t i = 0; i < groups->count; i++) {
        struct site_figures *figures = &groups->list[i].figures[0];
        figures->live = (struct mallow_profile_sum){.samples = figures->lost_blocks > 0,
                                                    .blocks = figures->lost_blocks,
                                                    .bytes = figures->lost_bytes,
                                                    .variance = figures->lost_variance};
    }
}

static int leaks_profile_compare(const void *a, const void *b) {
    const struct site_group *left = a, *right = b;
    double left_bytes = left->figures[0].live.bytes, right_bytes = right->figures[0].live.bytes;
    if (left_bytes != right_bytes) return left_bytes < right_bytes ? 1 : -1;
    return left->key < right->key ? -1 : left->key > right->key;
}

/* ---- output ---- */

static void leaks_profile_print_sum(const struct mallow_profile_sum *live) {
    printf("%s", site_text_bytes(live->bytes).text);
    if (live->variance > 0) printf(" +-%s", site_text_error(live->bytes, live->variance).text);
    printf(" in %s block%s", site_text_count(live->blocks).text, site_plural(live->blocks));
}

static void leaks_profile_print_group(const struct site_groups *groups,
                                      const struct site_group *group) {
    const struct site_figures *figures = &group->figures[0];
    leaks_profile_print_sum(&figures->live);
    struct site_text youngest = site_text_seconds(figures->youngest);
    struct site_text oldest = site_text_seconds(figures->oldest);
    if (strcmp(youngest.text, oldest.text) != 0)
        printf(", %s to %s old", youngest.text, oldest.text);
    else if (figures->oldest > 0)
        printf(", %s old", oldest.text);
    puts(", allocated by");
    if (group->stack == 0) puts("    unknown stack");
    site_print_stack(groups->stacks, group->stack);
}

static void leaks_profile_print(const struct profile *profile, const struct site_groups *groups,
                                enum leaks_profile_kind kind, unsigned long limit) {
    struct site_figures total = sites_total(groups, 0);
    size_t printed = 0, left = 0;
    for (size_t i = 0; i < groups->count; i++) {
        if (groups->list[i].figures[0].live.samples == 0) continue;
        if (limit != 0 && printed == limit) {
            left++;
            continue;
        }
        printed++;
        leaks_profile_print_group(groups, &groups->list[i]);
    }
    if (left > 0) printf("%zu more stack%s; --limit=0 lists all\n", left, plural(left));
    if (printed > 0) putchar('\n');
    site_print_programs(profile);
    if (printed == 0) {
        puts("no sampled block is left: a leak of a few blocks can remain undetected");
        return;
    }
    leaks_profile_print_sum(&total.live);
    printf(" %s %s\n", total.live.blocks < 1.5 ? "was" : "were", leaks_profile_titles[kind]);
}

static void leaks_profile_print_json(const struct profile *profile,
                                     const struct site_groups *groups, enum leaks_profile_kind kind,
                                     unsigned long limit) {
    size_t printed = 0;
    putchar('{');
    site_json_programs(profile);
    putchar(',');
    site_json_text("class", leaks_profile_names[kind]);
    fputs(",\"groups\":[", stdout);
    for (size_t i = 0; i < groups->count; i++) {
        const struct site_figures *figures = &groups->list[i].figures[0];
        if (figures->live.samples == 0) continue;
        if (limit != 0 && printed == limit) break;
        fputs(printed++ == 0 ? "{" : ",{", stdout);
        site_json_sum("live", &figures->live);
        printf(",\"youngest_seconds\":%.3f,\"oldest_seconds\":%.3f,", figures->youngest,
               figures->oldest);
        site_json_stack(groups->stacks, groups->list[i].stack);
        putchar('}');
    }
    puts("]}");
}

int leaks_profile_report(const char *path, unsigned long limit, bool json) {
    struct profile *profile = profile_read(path);
    struct stacks *stacks = stacks_open();
    struct site_groups *groups = site_groups_open(stacks, BY_STACK);
    stacks_add(stacks, profile);
    for (size_t i = 0; i < profile->count; i++)
        site_groups_add(groups, profile->sections[i], sites_last_snapshot(profile->sections[i]), 0);
    enum leaks_profile_kind kind = leaks_profile_kind_of(profile, groups);
    if (kind == KIND_LOST) leaks_profile_keep_lost(groups);
    if (groups->count > 0)
        qsort(groups->list, groups->count, sizeof *groups->list, leaks_profile_compare);
    (json ? leaks_profile_print_json : leaks_profile_print)(profile, groups, kind, limit);
    int status = print_text("");
    return status == 0 && sites_total(groups, 0).live.samples > 0 ? EXIT_LOST : status;
}
