/* Writes the sites of a profile as CSV (RFC 4180), one a line. */
#include "sites/export.h"
#include "sites/export_sites.h"
#include "sites/site_groups.h"

/* Fields of text have quotation marks, so that they can contain anything. */
static void export_csv_add(FILE *to, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '"') putc('"', to);
        putc(*text, to);
    }
}

static void export_csv_text(FILE *to, const char *text) {
    putc('"', to);
    export_csv_add(to, text);
    putc('"', to);
}

/* Writes the functions of a stack, the outermost one first, with a semicolon between them. */
static void export_csv_stack(FILE *to, const struct stacks *stacks, uint32_t stack) {
    uint32_t frames[STACK_DEPTH_MAX];
    size_t count = export_stack_frames(stacks, stack, frames);
    putc('"', to);
    for (size_t i = 0; i < count; i++) {
        if (i != 0) putc(';', to);
        export_csv_add(to, texts_get(&stacks->texts, stacks->frames[frames[i]].function));
    }
    putc('"', to);
}

static void export_csv_names(FILE *to, const struct stacks *stacks, uint32_t stack) {
    static const struct stack_frame unknown;
    const struct stack_frame *frame = stacks_headline(stacks, stack);
    if (frame == NULL) frame = &unknown;
    const uint32_t names[] = {frame->function, frame->file, frame->module};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        export_csv_text(to, texts_get(&stacks->texts, names[i]));
        putc(',', to);
    }
    if (frame->line > 0) fprintf(to, "%d", frame->line);
    putc(',', to);
    export_csv_stack(to, stacks, stack);
}

static void export_csv_site(FILE *to, const struct profile_section *section,
                            const struct stacks *stacks, const struct export_site_state *state,
                            size_t index) {
    const struct mallow_profile_site *site = &state->sites[index];
    fprintf(to, "%u,", section->process.pid);
    export_csv_text(to, section->program);
    fprintf(to, ",%d,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,", section->sites[index].large,
            site->live.bytes, site_error(site->live.variance), site->live.blocks,
            site->allocated.bytes, site->allocated.blocks, site->inherited.bytes, site->peak_bytes,
            site->freed[0], state->lost_bytes[index]);
    export_csv_names(to, stacks, section->stacks[section->sites[index].node]);
    fputs("\r\n", to);
}

void export_write_csv(FILE *to, const struct profile *profile, const struct stacks *stacks) {
    fputs(
        "pid,program,large,live_bytes,live_bytes_error,live_blocks,allocated_bytes,"
        "allocated_blocks,inherited_bytes,peak_bytes,freed_blocks_within_1ms,lost_bytes,"
        "function,file,module,line,stack\r\n",
        to);
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_section *section = profile->sections[i];
        struct export_site_state state = export_sites_open(section);
        for (size_t j = 0; j < state.count; j++)
            if (!export_site_is_empty(&state.sites[j]))
                export_csv_site(to, section, stacks, &state, j);
        export_sites_close(&state);
    }
}
