/* mallow leaks FILE: finds the blocks in a profile that were not freed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "leaks/leaks.h"
#include "profiles/profile.h"
#include "sites/site_groups.h"
#include "sites/site_print.h"
#include "sites/sites.h"

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

/* ---- suppressions ---- */

static bool leaks_profile_is_named(const struct leaks_patterns *patterns, const char *name) {
    return *name != '\0' && leaks_patterns_match(patterns, name, strlen(name));
}

static bool leaks_profile_is_suppressed(const struct leaks_patterns *patterns,
                                        const struct stacks *stacks, uint32_t stack) {
    for (int i = 0; stack != 0 && i < STACK_DEPTH_MAX; stack = stacks->list[stack].caller, i++) {
        const struct stack_frame *frame = &stacks->frames[stacks->list[stack].frame];
        if (leaks_profile_is_named(patterns, texts_get(&stacks->texts, frame->function)) ||
            leaks_profile_is_named(patterns, texts_get(&stacks->texts, frame->file)) ||
            leaks_profile_is_named(patterns, texts_get(&stacks->texts, frame->module)))
            return true;
    }
    return false;
}

/* Takes out the groups that the file lists. Returns the sum of their live blocks. */
static struct mallow_profile_sum leaks_profile_suppress(struct site_groups *groups,
                                                        const char *file) {
    struct mallow_profile_sum sum = {.samples = 0};
    if (file == NULL) return sum;
    struct leaks_patterns patterns = leaks_patterns_read(file);
    for (size_t i = 0; i < groups->count; i++) {
        struct site_group *group = &groups->list[i];
        if (!leaks_profile_is_suppressed(&patterns, groups->stacks, group->stack)) continue;
        site_add_sum(&sum, &group->figures[0].live);
        group->figures[0].live = (struct mallow_profile_sum){.samples = 0};
    }
    leaks_patterns_free(&patterns);
    return sum;
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

/* The output other than the groups. */
struct leaks_profile_report {
    const struct profile *profile;
    enum leaks_profile_kind kind;
    struct mallow_profile_sum suppressed;
    unsigned long limit; /* 0: none */
};

static void leaks_profile_print_suppressed(const struct mallow_profile_sum *suppressed) {
    if (suppressed->samples == 0) return;
    leaks_profile_print_sum(suppressed);
    printf(" %s suppressed\n", suppressed->blocks < 1.5 ? "was" : "were");
}

static void leaks_profile_print(const struct leaks_profile_report *report,
                                const struct site_groups *groups) {
    struct site_figures total = sites_total(groups, 0);
    size_t printed = 0, left = 0;
    for (size_t i = 0; i < groups->count; i++) {
        if (groups->list[i].figures[0].live.samples == 0) continue;
        if (report->limit != 0 && printed == report->limit) {
            left++;
            continue;
        }
        printed++;
        leaks_profile_print_group(groups, &groups->list[i]);
    }
    if (left > 0) printf("%zu more stack%s; --limit=0 lists all\n", left, plural(left));
    if (printed > 0) putchar('\n');
    site_print_programs(report->profile);
    leaks_profile_print_suppressed(&report->suppressed);
    if (printed == 0 && report->suppressed.samples != 0) {
        puts("no other sampled block is left");
        return;
    }
    if (printed == 0) {
        puts("no sampled block is left: a leak of a few blocks can remain undetected");
        return;
    }
    leaks_profile_print_sum(&total.live);
    printf(" %s %s\n", total.live.blocks < 1.5 ? "was" : "were",
           leaks_profile_titles[report->kind]);
}

static void leaks_profile_print_json(const struct leaks_profile_report *report,
                                     const struct site_groups *groups) {
    size_t printed = 0;
    putchar('{');
    site_json_programs(report->profile);
    putchar(',');
    site_json_text("class", leaks_profile_names[report->kind]);
    putchar(',');
    site_json_sum("suppressed", &report->suppressed);
    fputs(",\"groups\":[", stdout);
    for (size_t i = 0; i < groups->count; i++) {
        const struct site_figures *figures = &groups->list[i].figures[0];
        if (figures->live.samples == 0) continue;
        if (report->limit != 0 && printed == report->limit) break;
        fputs(printed++ == 0 ? "{" : ",{", stdout);
        site_json_sum("live", &figures->live);
        printf(",\"youngest_seconds\":%.3f,\"oldest_seconds\":%.3f,", figures->youngest,
               figures->oldest);
        site_json_stack(groups->stacks, groups->list[i].stack);
        putchar('}');
    }
    puts("]}");
}

int leaks_profile_report(const char *path, const char *suppressions, unsigned long limit,
                         bool json) {
    struct profile *profile = profile_read(path);
    struct stacks *stacks = stacks_open();
    struct site_groups *groups = site_groups_open(stacks, BY_STACK);
    stacks_add(stacks, profile);
    for (size_t i = 0; i < profile->count; i++)
        site_groups_add(groups, profile->sections[i], sites_last_snapshot(profile->sections[i]), 0);
    struct leaks_profile_report report = {
        .profile = profile, .kind = leaks_profile_kind_of(profile, groups), .limit = limit};
    if (report.kind == KIND_LOST) leaks_profile_keep_lost(groups);
    report.suppressed = leaks_profile_suppress(groups, suppressions);
    if (groups->count > 0)
        qsort(groups->list, groups->count, sizeof *groups->list, leaks_profile_compare);
    (json ? leaks_profile_print_json : leaks_profile_print)(&report, groups);
    int status = print_text("");
    return status == 0 && sites_total(groups, 0).live.samples > 0 ? EXIT_LOST : status;
}
