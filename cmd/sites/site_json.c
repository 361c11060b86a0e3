/* Prints groups of allocation sites as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/json.h"
#include "sites/site_print.h"

void site_json_text(const char *name, const char *value) {
    printf("\"%s\":", name);
    json_print_string(value, strlen(value));
}

void site_json_sum(const char *name, const struct mallow_profile_sum *sum) {
    printf("\"%s\":{\"samples\":%lu,\"blocks\":%.1f,\"bytes\":%.1f,\"error\":%.1f}", name,
           sum->samples, sum->blocks, sum->bytes, site_error(sum->variance));
}

static void site_json_frame(const struct stacks *stacks, const struct stack_frame *frame) {
    putchar('{');
    site_json_text("function", texts_get(&stacks->texts, frame->function));
    putchar(',');
    site_json_text("module", texts_get(&stacks->texts, frame->module));
    if (frame->file != 0) {
        putchar(',');
        site_json_text("file", texts_get(&stacks->texts, frame->file));
    }
    if (frame->line > 0) printf(",\"line\":%d", frame->line);
    printf(",\"inlined\":%s}", frame->inlined ? "true" : "false");
}

void site_json_stack(const struct stacks *stacks, uint32_t stack) {
    fputs("\"stack\":[", stdout);
    for (int i = 0; stack != 0 && i < STACK_DEPTH_MAX; stack = stacks->list[stack].caller, i++) {
        if (i != 0) putchar(',');
        site_json_frame(stacks, &stacks->frames[stacks->list[stack].frame]);
    }
    putchar(']');
}

void site_json_group(const struct site_groups *groups, const struct site_group *group) {
    char *title = site_title(groups, group);
    site_json_text(site_by_names[groups->by], title);
    free(title);
    putchar(',');
    site_json_stack(groups->stacks, group->stack);
}

/* Prints the live blocks of each size class that has any. */
static void site_json_classes(const struct profile_section *section,
                              const struct profile_snapshot *snapshot) {
    bool is_first = true;
    fputs(",\"classes\":[", stdout);
    for (size_t i = 0; i < snapshot->class_count; i++) {
        if (snapshot->class_blocks[i] == 0) continue;
        printf("%s{\"bytes\":%lu,\"live_blocks\":%lu}", is_first ? "" : ",",
               section->class_bytes[i], snapshot->class_blocks[i]);
        is_first = false;
    }
    putchar(']');
}

/* Prints the exact figures of a snapshot. */
static void site_json_snapshot(const struct profile_section *section,
                               const struct profile_snapshot *snapshot) {
    const struct mallow_profile_snapshot *totals = &snapshot->totals;
    double seconds =
        (double)(profile_moment(section, snapshot) - section->process.started_at) / 1e9;
    printf(
        ",\"last_snapshot\":{\"reason\":%u,\"seconds\":%.3f,\"live_bytes\":%lu,"
        "\"live_blocks\":%lu,\"large_bytes\":%lu,\"large_blocks\":%lu,\"resident_bytes\":%lu,"
        "\"samples_lost\":%lu",
        totals->reason, seconds, totals->live_bytes, totals->live_blocks, totals->large_bytes,
        totals->large_blocks, totals->resident_bytes, totals->samples_lost);
    site_json_classes(section, snapshot);
    putchar('}');
}

void site_json_programs(const struct profile *profile) {
    fputs("\"programs\":[", stdout);
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_section *section = profile->sections[i];
        const struct mallow_profile_process *process = &section->process;
        printf("%s{\"pid\":%u,\"parent\":%u,", i == 0 ? "" : ",", process->pid, process->ppid);
        site_json_text("program", section->program);
        printf(",\"rate\":%lu,\"started_at\":%.3f,\"snapshots\":%zu", process->rate,
               (double)process->started_at / 1e9, section->snapshot_count);
        if (section->snapshot_count > 0)
            site_json_snapshot(section, &section->snapshots[section->snapshot_count - 1]);
        putchar('}');
    }
    fputs("],", stdout);
    printf("\"damaged_parts\":%zu,\"truncated\":%s", profile->damaged,
           profile->truncated ? "true" : "false");
}
