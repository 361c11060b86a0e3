/*
 * The functions whose blocks grow or pin pages, from sampled allocations. If sampling is off, it is
 * turned on for the time between the looks. Everything that needs an answer runs in a copy of this
 * process (attempt.h) and writes lines of text, one for each function:
 *
 *     KIND \t BYTES \t VARIANCE \t FUNCTION \t PLACE \t MODULE
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/attempt.h"
#include "common/printable.h"
#include "common/xalloc.h"
#include "control/control.h"
#include "explain/explain.h"
#include "profiles/profile.h"
#include "sites/site_groups.h"
#include "sites/sites.h"
#include "stacks/stacks.h"
#include "symbols/function_names.h"

/* One sample in 16 KiB finds a leak of 100 KiB in two seconds. A program that allocates 1 GiB a
 * second then takes 65,000 samples, which is a few percent of its time. */
#define SAMPLE_BYTES "16384"

enum { KIND_LIVE = 'l', KIND_PINNING = 'p', KIND_ROUNDING = 'r' };

struct explain_sites {
    struct explain_site *sites;
    double *variances;
    size_t count;
};

/* The state at the first look. */
static struct explain_sites explain_sites_before;

/* ---- in the copy ---- */

/* A field must contain no tab or newline. */
static void explain_sites_write_field(FILE *to, const char *text) {
    char *copy = xstrdup(text);
    make_printable(copy, strlen(copy), "");
    fprintf(to, "\t%s", copy);
    free(copy);
}

static void explain_sites_write(FILE *to, char kind, const struct stacks *stacks, uint32_t stack,
                                double bytes, double variance) {
    const struct stack_frame *frame = bytes > 0 ? stacks_headline(stacks, stack) : NULL;
    if (frame == NULL) return;
    char *function = function_short_name(texts_get(&stacks->texts, frame->function));
    char *place = frame->line == 0
                      ? xstrdup("")
                      : xasprintf("%s:%d", file_base_name(texts_get(&stacks->texts, frame->file)),
                                  frame->line);
    fprintf(to, "%c\t%.17g\t%.17g", kind, bytes, variance);
    explain_sites_write_field(to, function);
    explain_sites_write_field(to, place);
    explain_sites_write_field(to, file_base_name(texts_get(&stacks->texts, frame->module)));
    fputc('\n', to);
    free(function);
    free(place);
}

static void explain_sites_write_live(FILE *to, struct stacks *stacks,
                                     const struct profile *profile) {
    struct site_groups *groups = site_groups_open(stacks, BY_FUNCTION);
    for (size_t i = 0; i < profile->count; i++)
        site_groups_add(groups, profile->sections[i], sites_last_snapshot(profile->sections[i]), 0);
    for (size_t i = 0; i < groups->count; i++) {
        const struct site_group *group = &groups->list[i];
        explain_sites_write(to, KIND_LIVE, stacks, group->stack, group->figures[0].live.bytes,
                            group->figures[0].live.variance);
    }
}

/* Returns the pinned bytes for each live block of that size. */
static double explain_sites_pinned(const struct explanation *explanation, uint64_t bytes) {
    for (size_t i = 0; i < explanation->class_count; i++) {
        const struct explain_class *of = &explanation->classes[i];
        if (of->slot_bytes >= bytes && of->live_slots != 0)
            return (double)of->pinned_bytes / (double)of->live_slots;
    }
    return 0;
}

/* Returns the bytes that a block takes which was requested with `bytes`. */
static uint64_t explain_sites_rounded(const struct profile_section *section, uint64_t bytes) {
    uint64_t page = section->process.page_bytes == 0 ? 4096 : section->process.page_bytes;
    for (size_t i = 0; i < section->class_count; i++)
        if (section->class_bytes[i] >= bytes) return section->class_bytes[i];
    return (bytes + page - 1) / page * page;
}

/* Sums over the live samples. */
struct explain_sites_sums {
    double requested, rounded; /* live bytes */
    double *pinned;            /* for each stack */
    double *variances;
};

static void explain_sites_add_live(const struct explanation *explanation,
                                   const struct profile_section *section,
                                   const struct mallow_profile_live *live,
                                   struct explain_sites_sums *sums) {
    uint32_t stack = section->stacks[index_map_find(&section->node_numbers, live->node)];
    double pinned = live->blocks * explain_sites_pinned(explanation, live->bytes);
    sums->requested += live->blocks * (double)live->bytes;
    sums->rounded += live->blocks * (double)explain_sites_rounded(section, live->bytes);
    if (live->large != 0) return;
    sums->pinned[stack] += pinned;
    sums->variances[stack] += pinned * pinned;
}

static void explain_sites_add_section(const struct explanation *explanation,
                                      const struct profile_section *section,
                                      struct explain_sites_sums *sums) {
    const struct profile_snapshot *snapshot = sites_last_snapshot(section);
    struct mallow_profile_live live;
    if (snapshot == NULL) return;
    for (size_t i = snapshot->first_records; i < snapshot->end_records; i++) {
        struct profile_cursor cursor = profile_lives_of(section, i, &live);
        while (profile_next_live(&cursor, &live))
            if (profile_live_is_valid(section, &live))
                explain_sites_add_live(explanation, section, &live, sums);
    }
}

static void explain_sites_write_samples(FILE *to, const struct explanation *explanation,
                                        const struct stacks *stacks,
                                        const struct profile *profile) {
    struct explain_sites_sums sums = {
        .pinned = xcalloc(stacks->count, sizeof(double)),
        .variances = xcalloc(stacks->count, sizeof(double)),
    };
    for (size_t i = 0; i < profile->count; i++)
        explain_sites_add_section(explanation, profile->sections[i], &sums);
    for (uint32_t i = 0; i < stacks->count; i++)
        explain_sites_write(to, KIND_PINNING, stacks, i, sums.pinned[i], sums.variances[i]);
    if (sums.rounded > 0)
        fprintf(to, "%c\t%.17g\t0\t\t\t\n", KIND_ROUNDING, 1 - sums.requested / sums.rounded);
    free(sums.pinned);
    free(sums.variances);
}

static void explain_sites_read(FILE *to, void *with) {
    const struct explanation *explanation = with;
    struct profile *profile = profile_request(explanation->process);
    struct stacks *stacks = stacks_open();
    stacks_add(stacks, profile);
    explain_sites_write_live(to, stacks, profile);
    explain_sites_write_samples(to, explanation, stacks, profile);
}

static void explain_sites_turn_on(FILE *to, void *with) {
    (void)to;
    const struct explanation *explanation = with;
    control_request(explanation->process, "sample " SAMPLE_BYTES, CONTROL_LIMITS_QUICK);
}

static void explain_sites_turn_off(FILE *to, void *with) {
    (void)to;
    const struct explanation *explanation = with;
    control_request(explanation->process, "sample off", CONTROL_LIMITS_QUICK);
}

/* ---- lines ---- */

static struct explain_site *explain_sites_find(const struct explain_sites *list,
                                               const struct explain_site *site) {
    for (size_t i = 0; i < list->count; i++) {
        struct explain_site *other = &list->sites[i];
        if (strcmp(other->function, site->function) == 0 &&
            strcmp(other->module, site->module) == 0)
            return other;
    }
    return NULL;
}

static void explain_sites_add(struct explain_sites *list, struct explain_site site,
                              double variance) {
    struct explain_site *same = explain_sites_find(list, &site);
    if (same != NULL) {
        same->bytes += site.bytes;
        list->variances[same - list->sites] += variance;
        return;
    }
    list->sites = xgrow(list->sites, list->count, sizeof *list->sites);
    list->variances = xgrow(list->variances, list->count, sizeof *list->variances);
    list->sites[list->count] = site;
    list->variances[list->count++] = variance;
}

/* Adds the lines of that kind. The list points into the text. */
static struct explain_sites explain_sites_parse(char *text, char kind) {
    enum { FIELDS = 6 };
    struct explain_sites list = {0};
    for (char *line = text, *next; *line != '\0'; line = next) {
        char *fields[FIELDS] = {line};
        size_t count = 1, length = strcspn(line, "\n");
        next = line + length + (line[length] == '\n');
        line[length] = '\0';
        for (char *at = line; count < FIELDS && (at = strchr(at, '\t')) != NULL;) {
            *at++ = '\0';
            fields[count++] = at;
        }
        if (count < FIELDS || *line != kind) continue;
        struct explain_site site = {.bytes = strtod(fields[1], NULL),
                                    .function = fields[3],
                                    .place = fields[4],
                                    .module = fields[5]};
        explain_sites_add(&list, site, strtod(fields[2], NULL));
    }
    return list;
}

static int explain_sites_compare(const void *a, const void *b) {
    const struct explain_site *one = a, *other = b;
    return (one->bytes < other->bytes) - (one->bytes > other->bytes);
}

/* Stores the sites with the most bytes. Returns their number. */
static size_t explain_sites_store(struct explain_sites list,
                                  struct explain_site to[EXPLAIN_SITES]) {
    size_t count = 0;
    for (size_t i = 0; i < list.count; i++) list.sites[i].error = site_error(list.variances[i]);
    if (list.count != 0) qsort(list.sites, list.count, sizeof *list.sites, explain_sites_compare);
    for (size_t i = 0; i < list.count && count < EXPLAIN_SITES; i++)
        if (list.sites[i].bytes > 0 && list.sites[i].error < list.sites[i].bytes)
            to[count++] = list.sites[i]; /* the others may not grow at all */
    return count;
}

/* ---- the looks ---- */

void explain_begin_sites(struct explanation *explanation) {
    char *reason, *text = attempt(explain_sites_read, explanation, &reason);
    explanation->was_sampling = text != NULL;
    if (text != NULL) {
        explain_sites_before = explain_sites_parse(text, KIND_LIVE);
        return;
    }
    free(reason);
    text = attempt(explain_sites_turn_on, explanation, &explanation->why_no_sites);
    explanation->is_sampling = text != NULL;
    free(text);
}

/* Replaces the live bytes by what they have grown since the first look. */
static void explain_sites_subtract_before(struct explain_sites *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct explain_site *before =
            explain_sites_find(&explain_sites_before, &list->sites[i]);
        if (before == NULL) continue;
        list->sites[i].bytes -= before->bytes;
        list->variances[i] =
            fabs(list->variances[i] -
                 explain_sites_before.variances[before - explain_sites_before.sites]);
    }
}

/* Replaces the bound of the rounding by an estimate. */
static void explain_sites_set_rounding(struct explanation *explanation, double share) {
    for (size_t i = 0; i < explanation->count; i++) {
        uint64_t *parts = explanation->looks[i].parts;
        uint64_t live = parts[PART_LIVE] + parts[PART_ROUNDING];
        parts[PART_ROUNDING] = (uint64_t)(share * (double)live);
        parts[PART_LIVE] = live - parts[PART_ROUNDING];
    }
    explanation->is_rounding_bound = false;
}

/* Parsing changes the text, so each list has a copy, to which it points until the end. */
static struct explain_sites explain_sites_of(const char *text, char kind) {
    return explain_sites_parse(xstrdup(text), kind);
}

static void explain_sites_end(struct explanation *explanation, const char *text) {
    struct explain_sites growing = explain_sites_of(text, KIND_LIVE);
    explain_sites_subtract_before(&growing);
    explanation->growing_count = explain_sites_store(growing, explanation->growing);
    if (!explanation->was_sampling) return; /* older blocks are not known */
    struct explain_sites rounding = explain_sites_of(text, KIND_ROUNDING);
    explanation->surviving_count =
        explain_sites_store(explain_sites_of(text, KIND_PINNING), explanation->surviving);
    if (rounding.count != 0 && rounding.sites[0].bytes >= 0 && rounding.sites[0].bytes < 1)
        explain_sites_set_rounding(explanation, rounding.sites[0].bytes);
}

void explain_end_sites(struct explanation *explanation) {
    char *reason, *text;
    if (!explanation->was_sampling && !explanation->is_sampling) return;
    text = attempt(explain_sites_read, explanation, &explanation->why_no_sites);
    if (text != NULL) explain_sites_end(explanation, text);
    free(text);
    if (explanation->was_sampling) return;
    free(attempt(explain_sites_turn_off, explanation, &reason));
    free(reason);
}
