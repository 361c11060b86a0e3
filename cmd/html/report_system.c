/* Writes a process's settings, limits and mappings from its profile into the report. */
#include <string.h>

#include "common/json.h"
#include "html/report.h"
#include "html/report_columns.h"
#include "profiles/profile_description.h"

/* A report lists no more mappings, but its sums are those of all. */
#define REGIONS_LISTED 4096

struct report_system_list {
    FILE *to;
    bool has_any;
};

static void report_system_setting(void *with, const struct profile_pair *setting) {
    struct report_system_list *list = with;
    fputs(list->has_any ? ",[" : "[", list->to);
    list->has_any = true;
    json_write_string(list->to, (const char *)setting->key, setting->key_bytes);
    putc(',', list->to);
    json_write_string(list->to, (const char *)setting->value, setting->value_bytes);
    putc(']', list->to);
}

static void report_system_limits(FILE *to, const struct profile_section *section) {
    static struct limits limits;
    fputs(",\"limits\":", to);
    if (profile_read_limits(section, &limits))
        limits_write_json(to, &limits);
    else
        fputs("null", to);
}

/* ---- mappings ---- */

/* In the order of report/src/data/decode.ts. */
static void report_system_figures(FILE *to, const struct figures *figures) {
    static const enum figure listed[] = {FIGURE_RSS,           FIGURE_PSS,  FIGURE_PRIVATE_CLEAN,
                                         FIGURE_PRIVATE_DIRTY, FIGURE_SWAP, FIGURE_LOCKED,
                                         FIGURE_ANON_HUGE};
    for (size_t i = 0; i < sizeof listed / sizeof *listed; i++)
        fprintf(to, ",%ld", report_clamp(figures->of[listed[i]]));
}

static void report_system_kinds(FILE *to, const struct address_space *space) {
    fputs(",\"kinds\":[", to);
    struct region_sum kinds[REGION_KINDS];
    address_space_sum_kinds(space, kinds);
    for (int i = 0; i < REGION_KINDS; i++) {
        fprintf(to, "%s[\"%s\",%zu,%ld", i == 0 ? "" : ",", region_kind_name(kinds[i].kind),
                kinds[i].regions, report_clamp(kinds[i].figures.of[FIGURE_SIZE]));
        report_system_figures(to, &kinds[i].figures);
        putc(']', to);
    }
    putc(']', to);
}

static void report_system_regions(FILE *to, const struct address_space *space) {
    fputs(",\"regions\":[", to);
    for (size_t i = 0; i < space->count && i < REGIONS_LISTED; i++) {
        const struct region *region = &space->regions[i];
        /* Addresses are texts, because not every one is a number that a browser represents. */
        fprintf(to, "%s[\"%lx\",\"%lx\",%d,\"%s\",", i == 0 ? "" : ",", region->start, region->end,
                (int)region->kind, region->permissions);
        json_write_string(to, region->path, strlen(region->path));
        report_system_figures(to, &region->figures);
        putc(']', to);
    }
    putc(']', to);
}

static void report_system_space(FILE *to, const struct profile_section *section, uint64_t start) {
    struct address_space space;
    const struct profile_snapshot *snapshot = profile_read_space(section, &space);
    fputs(",\"space\":", to);
    if (snapshot == NULL) {
        fputs("null", to);
        return;
    }
    fprintf(to, "{\"time\":%.6f,\"measured\":%s,\"count\":%zu",
            (double)(profile_moment(section, snapshot) - start) / 1e9,
            space.has_figures ? "true" : "false", space.mapping_count);
    report_system_kinds(to, &space);
    report_system_regions(to, &space);
    putc('}', to);
    address_space_free(&space);
}

void report_system_write(FILE *to, const struct profile *profile,
                         const struct profile_section *section) {
    struct report_system_list list = {.to = to};
    uint64_t start = profile_first_moment(profile);
    const struct profile_snapshot *pinned = profile_pinned_snapshot(section);
    fputs(",\"settings\":[", to);
    profile_each_given(section, report_system_setting, &list);
    putc(']', to);
    report_system_limits(to, section);
    report_system_space(to, section, start);
    if (pinned != NULL)
        fprintf(to, ",\"pinnedAt\":%.6f", (double)(profile_moment(section, pinned) - start) / 1e9);
}
