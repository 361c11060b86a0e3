/* Writes all figures of a profile as JSON. Stacks are a tree: each is a frame and its caller. */
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/json.h"
#include "sites/export.h"
#include "sites/export_sites.h"
#include "sites/site_groups.h"

static void export_json_text(FILE *to, const char *name, const char *text) {
    fprintf(to, "\"%s\":", name);
    json_write_string(to, text, strlen(text));
}

static void export_json_sum(FILE *to, const char *name, const struct mallow_profile_sum *sum) {
    fprintf(to, ",\"%s\":{\"samples\":%lu,\"blocks\":%.1f,\"bytes\":%.1f,\"error\":%.1f}", name,
            sum->samples, sum->blocks, sum->bytes, site_error(sum->variance));
}

static void export_json_frames(FILE *to, const struct stacks *stacks) {
    fputs("\"frames\":[", to);
    for (size_t i = 0; i < stacks->frame_count; i++) {
        const struct stack_frame *frame = &stacks->frames[i];
        fputs(i == 0 ? "{" : ",{", to);
        export_json_text(to, "function", texts_get(&stacks->texts, frame->function));
        putc(',', to);
        export_json_text(to, "module", texts_get(&stacks->texts, frame->module));
        if (frame->file != 0) {
            putc(',', to);
            export_json_text(to, "file", texts_get(&stacks->texts, frame->file));
        }
        if (frame->line > 0) fprintf(to, ",\"line\":%d", frame->line);
        fprintf(to, ",\"inlined\":%s}", frame->inlined ? "true" : "false");
    }
    fputs("],", to);
}

/* Number 0 is the unknown stack. */
static void export_json_stacks(FILE *to, const struct stacks *stacks) {
    fputs("\"stacks\":[null", to);
    for (size_t i = 1; i < stacks->count; i++)
        fprintf(to, ",{\"caller\":%u,\"frame\":%u}", stacks->list[i].caller, stacks->list[i].frame);
    fputs("],", to);
}

static void export_json_threads(FILE *to, const struct profile_section *section) {
    fputs("\"threads\":[", to);
    for (size_t i = 0; i < section->thread_count; i++) {
        fprintf(to, "%s{\"thread\":%u,", i == 0 ? "" : ",", section->threads[i].id);
        export_json_text(to, "name", section->threads[i].name);
        putc('}', to);
    }
    fputs("],", to);
}

static void export_json_modules(FILE *to, const struct profile_section *section) {
    fputs("\"modules\":[", to);
    for (size_t i = 0; i < section->module_count; i++) {
        const struct profile_module *module = &section->modules[i];
        fprintf(to, "%s{\"start\":%lu,\"end\":%lu,\"offset\":%lu,\"build_id\":\"",
                i == 0 ? "" : ",", module->start, module->end, module->offset);
        for (size_t j = 0; j < module->id_bytes; j++) fprintf(to, "%02x", module->id[j]);
        fputs("\",", to);
        export_json_text(to, "path", module->path);
        putc('}', to);
    }
    fputs("],", to);
}

static void export_json_snapshots(FILE *to, const struct profile_section *section) {
    fputs("\"snapshots\":[", to);
    for (size_t i = 0; i < section->snapshot_count; i++) {
        const struct profile_snapshot *snapshot = &section->snapshots[i];
        const struct mallow_profile_snapshot *totals = &snapshot->totals;
        fprintf(to,
                "%s{\"reason\":%u,\"at\":%.3f,\"live_bytes\":%lu,\"live_blocks\":%lu,"
                "\"large_bytes\":%lu,\"large_blocks\":%lu,\"resident_bytes\":%lu,"
                "\"heap_bytes\":%lu,\"metadata_bytes\":%lu,\"samples_lost\":%lu}",
                i == 0 ? "" : ",", totals->reason, (double)profile_moment(section, snapshot) / 1e9,
                totals->live_bytes, totals->live_blocks, totals->large_bytes, totals->large_blocks,
                totals->resident_bytes, totals->heap_bytes, totals->metadata_bytes,
                totals->samples_lost);
    }
    fputs("],", to);
}

static void export_json_site(FILE *to, const struct profile_section *section,
                             const struct export_site_state *state, size_t index) {
    const struct mallow_profile_site *site = &state->sites[index];
    const struct profile_site *of = &section->sites[index];
    fprintf(to, "{\"stack\":%u,\"large\":%s", section->stacks[of->node],
            of->large ? "true" : "false");
    export_json_sum(to, "live", &site->live);
    export_json_sum(to, "allocated", &site->allocated);
    export_json_sum(to, "inherited", &site->inherited);
    fprintf(to, ",\"peak_bytes\":%.1f,\"lost_bytes\":%.1f,\"freed_blocks_by_lifetime\":[",
            site->peak_bytes, state->lost_bytes[index]);
    for (size_t i = 0; i < MALLOW_PROFILE_LIFETIMES; i++)
        fprintf(to, "%s%.1f", i == 0 ? "" : ",", site->freed[i]);
    fputs("],\"threads\":[", to);
    for (uint32_t i = state->first[index]; i != 0; i = state->threads[i - 1].next) {
        const struct export_site_thread *thread = &state->threads[i - 1];
        fprintf(to, "%s{\"thread\":%u,\"blocks\":%.1f,\"bytes\":%.1f}",
                i == state->first[index] ? "" : ",", thread->thread, thread->blocks, thread->bytes);
    }
    fputs("]}", to);
}

static void export_json_sites(FILE *to, const struct profile_section *section) {
    struct export_site_state state = export_sites_open(section);
    bool is_first = true;
    fputs("\"sites\":[", to);
    for (size_t i = 0; i < state.count; i++) {
        if (export_site_is_empty(&state.sites[i])) continue;
        if (!is_first) putc(',', to);
        is_first = false;
        export_json_site(to, section, &state, i);
    }
    putc(']', to);
    export_sites_close(&state);
}

static void export_json_program(FILE *to, const struct profile_section *section) {
    const struct mallow_profile_process *process = &section->process;
    fprintf(to, "{\"pid\":%u,\"parent\":%u,", process->pid, process->ppid);
    export_json_text(to, "program", section->program);
    fprintf(to, ",\"rate\":%lu,\"started_at\":%.3f,", process->rate,
            (double)process->started_at / 1e9);
    export_json_threads(to, section);
    export_json_modules(to, section);
    export_json_snapshots(to, section);
    export_json_sites(to, section);
    putc('}', to);
}

void export_write_json(FILE *to, const struct profile *profile, const struct stacks *stacks) {
    fputs("{\"exporter\":\"mallow " MALLOW_VERSION "\",", to);
    export_json_frames(to, stacks);
    export_json_stacks(to, stacks);
    fputs("\"programs\":[", to);
    for (size_t i = 0; i < profile->count; i++) {
        if (i != 0) putc(',', to);
        export_json_program(to, profile->sections[i]);
    }
    fputs("]}\n", to);
}
