/* mallow advise: prints the advice as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "advise/advise.h"
#include "common/json.h"

static void advise_json_text(FILE *to, const char *name, const char *value) {
    fprintf(to, "\"%s\":", name);
    json_write_string(to, value, strlen(value));
}

static void advise_json_frame(FILE *to, const struct stacks *tree,
                              const struct stack_frame *frame) {
    putc('{', to);
    advise_json_text(to, "function", texts_get(&tree->texts, frame->function));
    if (frame->file != 0) {
        putc(',', to);
        advise_json_text(to, "file", texts_get(&tree->texts, frame->file));
        fprintf(to, ",\"line\":%d", frame->line);
    }
    putc(',', to);
    advise_json_text(to, "module", texts_get(&tree->texts, frame->module));
    fprintf(to, ",\"inlined\":%s}", frame->inlined ? "true" : "false");
}

static void advise_json_stack(FILE *to, const struct stacks *tree, uint32_t stack) {
    fputs("\"stack\":[", to);
    for (int i = 0; stack != 0 && i < STACK_DEPTH_MAX; stack = tree->list[stack].caller, i++) {
        if (i != 0) putc(',', to);
        advise_json_frame(to, tree, &tree->frames[tree->list[stack].frame]);
    }
    putc(']', to);
}

/* Prints the names of a site, its stack and its figures. */
static void advise_json_site(FILE *to, const struct advise *advise, size_t index) {
    const struct advise_site *site = &advise->sites[index];
    const struct stacks *tree = trace_stacks_tree(advise->stacks);
    uint32_t stack = trace_stacks_number(advise->stacks, site->stack);
    char *title = advise_title(advise, index);
    putc('{', to);
    advise_json_text(to, "title", title);
    free(title);
    putc(',', to);
    advise_json_stack(to, tree, stack);
    fprintf(to,
            ",\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"size_min\":%" PRIu64
            ",\"size_max\":%" PRIu64 ",\"peak_blocks\":%" PRIu64 ",\"peak_bytes\":%" PRIu64
            ",\"threads\":%" PRIu32 ",\"freed\":%" PRIu64 ",\"freed_by_another_thread\":%" PRIu64
            ",\"resized\":%" PRIu64 ",\"lifetime_mean_ns\":%.0f}",
            site->blocks, site->bytes, site->sizes.min, site->sizes.max, site->peak_blocks,
            site->peak_bytes, site->threads, site->freed, site->freed_by_another_thread,
            site->resized, (double)site->lifetimes / (double)site->blocks);
}

static void advise_json_one(FILE *to, const struct advise *advise, const struct advice *advice) {
    putc('{', to);
    advise_json_text(to, "mechanism", advise_way_names[advice->way]);
    fputs(",\"site\":", to);
    advise_json_site(to, advise, advice->site);
    fputs(",\"others\":[", to);
    for (size_t i = 0; i < advice->other_count; i++) {
        if (i != 0) putc(',', to);
        advise_json_site(to, advise, advice->others[i]);
    }
    fputs("],", to);
    advise_json_text(to, "advice", advice->what);
    putc(',', to);
    advise_json_text(to, "evidence", advice->evidence);
    fputs(",\"figures\":{", to);
    for (size_t i = 0; i < advice->figure_count; i++)
        fprintf(to, "%s\"%s\":%" PRIu64, i == 0 ? "" : ",", advice->figures[i].name,
                advice->figures[i].value);
    fprintf(to, "},\"gain\":{\"nanoseconds\":%.0f,\"bytes\":%.0f}}", advice->nanoseconds,
            advice->bytes);
}

void advise_print_json(FILE *to, const struct advise *advise,
                       const struct advise_settings *settings) {
    size_t shown = advise_shown(advise, settings);
    fprintf(to, "{\"events\":%" PRIu64 ",\"duration_ns\":%" PRIu64 ",\"sites\":%zu,\"advice\":[",
            advise->events, advise->duration, advise->site_count);
    for (size_t i = 0; i < shown; i++) {
        if (i != 0) putc(',', to);
        advise_json_one(to, advise, &advise->list[i]);
    }
    fputs("]}\n", to);
}
