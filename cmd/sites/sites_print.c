/* The output of mallow sites, for people and as JSON. */
#include <stdio.h>

#include "common/command.h"
#include "sites/site_print.h"
#include "sites/sites.h"

/* ---- for people ---- */

/* Prints the exact figures of the last snapshots, next to the estimate. */
static void sites_print_totals(const struct profile *profile, const struct site_figures *total) {
    double bytes = 0, blocks = 0, resident = 0, lost = 0;
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_snapshot *last = sites_last_snapshot(profile->sections[i]);
        if (last == NULL) continue;
        bytes += (double)last->totals.live_bytes;
        blocks += (double)last->totals.live_blocks;
        resident += (double)last->totals.resident_bytes;
        lost += (double)last->totals.samples_lost;
    }
    printf("live: %s", site_text_bytes(total->live.bytes).text);
    if (total->live.variance > 0)
        printf(" +-%s", site_text_error(total->live.bytes, total->live.variance).text);
    if (profile->sections[0]->process.rate != MALLOW_PROFILE_EACH_BLOCK)
        printf(" by samples; exactly %s, with rounding,", site_text_bytes(bytes).text);
    printf(" in %s block%s\nresident: %s\n", site_text_count(blocks).text, site_plural(blocks),
           site_text_bytes(resident).text);
    if (total->inherited.samples > 0)
        printf("inherited: %s of the live bytes were allocated before a fork\n",
               site_text_bytes(total->inherited.bytes).text);
    if (lost > 0)
        printf("%s sample%s had no room: figures are too small\n", site_text_count(lost).text,
               site_plural(lost));
}

#define SITES_TITLE_COLUMN 74

/* A process that was forked may only have blocks that its parent allocated. */
static struct site_text sites_text_allocated(const struct site_figures *figures) {
    if (figures->allocated.bytes <= 0 && figures->inherited.samples > 0)
        return (struct site_text){"inherited"};
    return site_text_bytes(figures->allocated.bytes);
}

static void sites_print_group(const struct site_groups *groups, const struct site_group *group) {
    const struct site_figures *figures = &group->figures[0];
    struct site_text temporary = {""};
    if (figures->allocated.blocks > 0)
        snprintf(temporary.text, sizeof temporary.text, "%.0f %%",
                 100 * site_temporary_share(figures));
    printf("%10s %6s %7s %10s %10s %7s %5s %10s  ", site_text_bytes(figures->live.bytes).text,
           site_text_error(figures->live.bytes, figures->live.variance).text,
           site_text_count(figures->live.blocks).text, site_text_bytes(figures->peak_bytes).text,
           sites_text_allocated(figures).text, site_text_count(figures->allocated.blocks).text,
           temporary.text, site_text_lifetime(figures).text);
    site_print_title(groups, group, SITES_TITLE_COLUMN);
}

static bool sites_is_empty(const struct site_group *group) {
    return group->figures[0].allocated.samples == 0 && group->figures[0].live.samples == 0;
}

/* Threads have only figures of live samples. */
static void sites_print_thread(const struct site_groups *groups, const struct site_group *group) {
    const struct site_figures *figures = &group->figures[0];
    printf("%10s %6s %7s  ", site_text_bytes(figures->live.bytes).text,
           site_text_error(figures->live.bytes, figures->live.variance).text,
           site_text_count(figures->live.blocks).text);
    site_print_title(groups, group, 27);
}

void sites_print(const struct sites_settings *settings, const struct profile *profile,
                 const struct site_groups *groups) {
    struct site_figures total = sites_total(groups, 0);
    bool by_thread = groups->by == BY_THREAD;
    site_print_programs(profile);
    sites_print_totals(profile, &total);
    if (by_thread)
        printf("%10s %6s %7s  %s\n", "live", "+-", "blocks", "thread");
    else
        printf("%10s %6s %7s %10s %10s %7s %5s %10s  %s\n", "live", "+-", "blocks", "peak",
               "allocated", "calls", "temp", "lifetime", site_by_names[groups->by]);
    size_t printed = 0, left = 0;
    for (size_t i = 0; i < groups->count; i++) {
        if (sites_is_empty(&groups->list[i])) continue;
        if (settings->top != 0 && printed == settings->top) {
            left++;
            continue;
        }
        printed++;
        (by_thread ? sites_print_thread : sites_print_group)(groups, &groups->list[i]);
        if (settings->stacks) site_print_stack(groups->stacks, groups->list[i].stack);
    }
    if (left > 0) printf("%zu more; --top=0 prints all\n", left);
}

/* ---- JSON ---- */

static void sites_json_lifetime(const struct site_figures *figures) {
    int median = site_median_lifetime(figures);
    if (median < 0) {
        printf(",\"median_lifetime\":null");
        return;
    }
    double from = median == 0                          ? 0
                  : median == MALLOW_PROFILE_LIFETIMES ? figures->oldest
                                                       : site_lifetime_ends[median - 1];
    printf(",\"median_lifetime\":{\"from_seconds\":%g,\"to_seconds\":", from);
    if (median < MALLOW_PROFILE_LIFETIMES - 1)
        printf("%g}", site_lifetime_ends[median]);
    else
        printf("null}");
}

static void sites_json_group(const struct site_groups *groups, const struct site_group *group) {
    const struct site_figures *figures = &group->figures[0];
    putchar('{');
    site_json_group(groups, group);
    putchar(',');
    site_json_sum("live", &figures->live);
    printf(",\"threads\":%zu", figures->threads);
    if (groups->by != BY_THREAD) {
        putchar(',');
        site_json_sum("allocated", &figures->allocated);
        putchar(',');
        site_json_sum("inherited", &figures->inherited);
        printf(",\"peak_bytes\":%.1f,\"temporary_share\":%.4f", figures->peak_bytes,
               site_temporary_share(figures));
        fputs(",\"freed_blocks_by_lifetime\":[", stdout);
        for (size_t i = 0; i < MALLOW_PROFILE_LIFETIMES; i++)
            printf("%s%.1f", i == 0 ? "" : ",", figures->freed[i]);
        putchar(']');
        sites_json_lifetime(figures);
    }
    putchar('}');
}

void sites_print_json(const struct sites_settings *settings, const struct profile *profile,
                      const struct site_groups *groups) {
    struct site_figures total = sites_total(groups, 0);
    size_t printed = 0;
    putchar('{');
    site_json_programs(profile);
    putchar(',');
    site_json_sum("live", &total.live);
    putchar(',');
    site_json_sum("allocated", &total.allocated);
    putchar(',');
    site_json_sum("inherited", &total.inherited);
    fputs(",\"sites\":[", stdout);
    for (size_t i = 0; i < groups->count; i++) {
        if (sites_is_empty(&groups->list[i])) continue;
        if (settings->top != 0 && printed == settings->top) break;
        if (printed++ != 0) putchar(',');
        sites_json_group(groups, &groups->list[i]);
    }
    puts("]}");
}
