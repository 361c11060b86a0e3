/* The output of mallow diff, for people and as JSON. */
#include <math.h>
#include <stdio.h>

#include "sites/diff.h"
#include "sites/site_print.h"
#include "sites/sites.h"

/* Returns true if nothing was live, or nothing was allocated or freed in between. */
static bool diff_print_is_unchanged(const struct site_group *group) {
    const struct site_figures *before = &group->figures[0], *after = &group->figures[1];
    if (before->live.bytes != after->live.bytes || before->live.samples != after->live.samples)
        return false;
    return after->live.samples == 0 || before->allocated.bytes == after->allocated.bytes;
}

/* ---- for people ---- */

/* Prints a profile and its moment: "FILE after 12.3 s". */
static void diff_print_moment(const struct diff_moment *moment) {
    uint64_t last = profile_last_moment(moment->profile);
    uint64_t time = moment->time < last ? moment->time : last;
    uint64_t start = profile_first_moment(moment->profile);
    double seconds = time < start ? 0 : (double)(time - start) / 1e9;
    printf("%s", moment->profile->name);
    if (moment->profile->process == 0) printf(" after %s", site_text_seconds(seconds).text);
}

static struct site_text diff_print_change(double change) {
    struct site_text text;
    snprintf(text.text, sizeof text.text, "%s%.20s",
             change < 0   ? "-"
             : change > 0 ? "+"
                          : "",
             site_text_bytes(fabs(change)).text);
    return text;
}

#define DIFF_TITLE_COLUMN 61

static void diff_print_group(const struct site_groups *groups, const struct site_group *group) {
    const struct site_figures *before = &group->figures[0], *after = &group->figures[1];
    struct site_text error = {"exact"}, allocated = {""};
    if (group->variance > 0) error = site_text_bytes(site_error(group->variance));
    if (groups->by != BY_THREAD)
        allocated = diff_print_change(after->allocated.bytes - before->allocated.bytes);
    printf("%c%11s %10s %10s %10s %11s  ", diff_is_significant(group) ? ' ' : '~',
           diff_print_change(diff_change(group)).text, error.text,
           site_text_bytes(before->live.bytes).text, site_text_bytes(after->live.bytes).text,
           allocated.text);
    site_print_title(groups, group, DIFF_TITLE_COLUMN);
}

/* Prints the change of all groups, and whether any change is within the error. */
static void diff_print_total(const struct site_groups *groups) {
    struct site_group total = {.variance = 0};
    bool has_noise = false;
    for (int i = 0; i < 2; i++) total.figures[i] = sites_total(groups, i);
    for (size_t i = 0; i < groups->count; i++) {
        const struct site_group *group = &groups->list[i];
        total.variance += group->variance;
        has_noise = has_noise || (!diff_print_is_unchanged(group) && !diff_is_significant(group));
    }
    printf("all: %s +-%s%s\n", diff_print_change(diff_change(&total)).text,
           site_text_bytes(site_error(total.variance)).text,
           diff_is_significant(&total) ? "" : ", which is not significant");
    if (has_noise) puts("~ is a change that is not significant: chance alone can cause it");
}

void diff_print(const struct diff_settings *settings, const struct diff_moment *before,
                const struct diff_moment *after, const struct site_groups *groups) {
    size_t printed = 0, left = 0;
    diff_print_moment(before);
    if (after->profile->process == 0) {
        fputs(" -> ", stdout);
        diff_print_moment(after);
    } else {
        printf(" -> %s later", site_text_seconds((double)(profile_last_moment(after->profile) -
                                                          profile_last_moment(before->profile)) /
                                                 1e9)
                                   .text);
    }
    printf("\n%12s %10s %10s %10s %11s  %s\n", "live", "+-", "before", "after",
           groups->by == BY_THREAD ? "" : "allocated", site_by_names[groups->by]);
    for (size_t i = 0; i < groups->count; i++) {
        if (diff_print_is_unchanged(&groups->list[i])) continue;
        if (settings->top != 0 && printed == settings->top) {
            left++;
            continue;
        }
        printed++;
        diff_print_group(groups, &groups->list[i]);
        if (settings->stacks) site_print_stack(groups->stacks, groups->list[i].stack);
    }
    if (left > 0) printf("%zu more; --top=0 prints all\n", left);
    diff_print_total(groups);
}

/* ---- JSON ---- */

static void diff_json_moment(const char *name, const struct diff_moment *moment) {
    printf("\"%s\":{", name);
    site_json_text("profile", moment->profile->name);
    uint64_t last = profile_last_moment(moment->profile);
    uint64_t time = moment->time < last ? moment->time : last;
    printf(",\"time\":%.3f,", (double)time / 1e9);
    site_json_programs(moment->profile);
    putchar('}');
}

static void diff_json_group(const struct site_groups *groups, const struct site_group *group) {
    putchar('{');
    site_json_group(groups, group);
    printf(",\"change\":%.1f,\"error\":%.1f,\"significant\":%s,", diff_change(group),
           site_error(group->variance), diff_is_significant(group) ? "true" : "false");
    fputs("\"before\":{", stdout);
    site_json_sum("live", &group->figures[0].live);
    putchar(',');
    site_json_sum("allocated", &group->figures[0].allocated);
    fputs("},\"after\":{", stdout);
    site_json_sum("live", &group->figures[1].live);
    putchar(',');
    site_json_sum("allocated", &group->figures[1].allocated);
    fputs("}}", stdout);
}

void diff_print_json(const struct diff_settings *settings, const struct diff_moment *before,
                     const struct diff_moment *after, const struct site_groups *groups) {
    size_t printed = 0;
    putchar('{');
    diff_json_moment("before", before);
    putchar(',');
    diff_json_moment("after", after);
    fputs(",\"sites\":[", stdout);
    for (size_t i = 0; i < groups->count; i++) {
        if (diff_print_is_unchanged(&groups->list[i])) continue;
        if (settings->top != 0 && printed == settings->top) break;
        if (printed++ != 0) putchar(',');
        diff_json_group(groups, &groups->list[i]);
    }
    puts("]}");
}
