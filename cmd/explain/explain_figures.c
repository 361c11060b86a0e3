/* Requests the figures of Mallow in the process. */
#include "explain/explain_figures.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/attempt.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "control/control.h"
#include "proc/address_space.h"
#include "proc/proc.h"

/* A stopped process would be waited for. */
static void explain_figures_require_running(pid_t process) {
    char line[PROC_LINE_SIZE];
    if (proc_status_line(process, "State:", line) && strchr("Tt", line[strlen("State:\t")]) != NULL)
        errx(EXIT_OWN_FAILURE, "process %d is stopped: resume it with 'kill -CONT %d'",
             (int)process, (int)process);
}

/* The ranges follow the figures. */
static void explain_figures_request(FILE *to, void *with) {
    const struct explanation *explanation = with;
    explain_figures_require_running(explanation->process);
    fputs(control_request(explanation->process, "map", CONTROL_LIMITS_QUICK), to);
    fputs(control_request(explanation->process, "figures", CONTROL_LIMITS_QUICK), to);
}

/* Returns the named number of a JSON object without inner objects before it, or 0. */
static uint64_t explain_figures_value(const char *object, const char *name) {
    char field[64];
    snprintf(field, sizeof field, "\"%s\":", name);
    const char *at = strstr(object, field);
    return at == NULL ? 0 : strtoull(at + strlen(field), NULL, 10);
}

/* ---- classes ---- */

static void explain_figures_add_class(struct explanation *explanation, const char *object) {
    if (explanation->class_count == EXPLAIN_CLASSES) return;
    explanation->classes[explanation->class_count++] = (struct explain_class){
        .slot_bytes = explain_figures_value(object, "slot_bytes"),
        .live_slots = explain_figures_value(object, "used_slots"),
        .live_bytes = explain_figures_value(object, "resident_live_bytes"),
        .pinned_bytes = explain_figures_value(object, "pinned_bytes"),
    };
}

static void explain_figures_read_classes(struct explanation *explanation, const char *figures) {
    explanation->class_count = 0;
    char *at = strstr(figures, "\"classes\":[");
    while (at != NULL && (at = strchr(at, '{')) != NULL) {
        char *end = strchr(at, '}');
        if (end == NULL) return;
        *end = '\0';
        explain_figures_add_class(explanation, at);
        at = end + 1;
    }
}

/* Returns an upper bound: each block was requested with at least one byte more than the next
 * smaller class has. The smallest class whose slots are in use may be the first with a step of 16.
 */
static uint64_t explain_figures_rounding(const struct explanation *explanation, uint64_t runs,
                                         uint64_t page) {
    uint64_t sum = runs * (page - 1);
    for (size_t i = 0; i < explanation->class_count; i++) {
        const struct explain_class *of = &explanation->classes[i];
        uint64_t power = 16;
        while (power * 2 < of->slot_bytes) power *= 2; /* the largest one below the size */
        uint64_t step = of->slot_bytes <= 256 ? 16 : power / 8;
        sum += of->live_slots * (step - 1);
    }
    return sum;
}

/* ---- parts ---- */

static void explain_figures_set_parts(struct explanation *explanation, struct explain_look *look,
                                      const char *figures) {
    uint64_t *parts = look->parts;
    uint64_t live = explain_figures_value(figures, "resident_live_bytes") +
                    explain_figures_value(figures, "resident_mapping_bytes");
    uint64_t guarded = explain_figures_value(figures, "guarded_blocks");
    look->mapped_blocks = explain_figures_value(figures, "mappings");
    look->live_blocks = explain_figures_value(figures, "live_blocks") + look->mapped_blocks;
    look->live_bytes = explain_figures_value(figures, "live_bytes") +
                       explain_figures_value(figures, "mapping_bytes");
    parts[PART_ROUNDING] = explain_figures_rounding(
        explanation,
        explain_figures_value(figures, "run_blocks") +
            (look->mapped_blocks > guarded ? look->mapped_blocks - guarded : 0),
        explain_figures_value(figures, "page_bytes"));
    if (parts[PART_ROUNDING] > live) parts[PART_ROUNDING] = live;
    parts[PART_LIVE] = live - parts[PART_ROUNDING];
    parts[PART_CACHED] = explain_figures_value(figures, "resident_cached_bytes");
    parts[PART_HELD] = explain_figures_value(figures, "resident_held_bytes");
    parts[PART_PINNED] = explain_figures_value(figures, "pinned_bytes");
    parts[PART_TRIMMABLE] = explain_figures_value(figures, "trimmable_bytes");
    parts[PART_SURPLUS] = explain_figures_value(figures, "surplus_bytes");
    parts[PART_GUARDED] = explain_figures_value(figures, "resident_guarded_bytes");
    parts[PART_METADATA] = explain_figures_value(figures, "resident_metadata_bytes");
}

char *explain_read_figures(struct explanation *explanation, struct explain_look *look) {
    char *answer = attempt(explain_figures_request, explanation, &explanation->why_not);
    explanation->is_on_mallow = answer != NULL;
    if (answer == NULL) return NULL;
    /* The classes come last and have fields with the same names. */
    char *classes = strstr(answer, "\"classes\":[");
    char *copy = xstrdup(classes == NULL ? "" : classes);
    explain_figures_read_classes(explanation, copy);
    free(copy);
    explanation->is_rounding_bound = true;
    explain_figures_set_parts(explanation, look, answer);
    return answer;
}

void explain_mark_ranges(struct address_space *space, const char *answer) {
    struct mallow_range range, *ranges = NULL;
    size_t count = 0;
    for (const char *line = answer; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!mallow_range_parse(line, &range)) continue;
        ranges = xgrow(ranges, count, sizeof range);
        ranges[count++] = range;
    }
    address_space_mark(space, ranges, count);
    free(ranges);
}
