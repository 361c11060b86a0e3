/* Writes the formats of tools that draw stacks: collapsed lines, and speedscope's JSON. */
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/xalloc.h"
#include "sites/export.h"

/* ---- sums ---- */

/* The sums of one stack of one process. */
struct export_stack {
    uint32_t stack, process;
    double values[EXPORT_VALUES];
};

struct export_stack_sums {
    struct export_stack *list;
    size_t count;
    struct index_map numbers; /* of stacks and processes, to indexes + 1 */
};

/* Adds up the samples whose stacks look the same without addresses. The caller frees the list. */
static struct export_stack_sums export_stacks_sum(const struct export *from) {
    struct export_stack_sums sums = {.count = 0};
    for (size_t i = 0; i < from->sample_count; i++) {
        const struct export_sample *sample = &from->samples[i];
        uint32_t stack = from->calls[sample->call].stack;
        uint32_t *number = index_map_add(&sums.numbers, index_map_pair(sample->process, stack));
        if (*number == 0) {
            sums.list = xgrow(sums.list, sums.count, sizeof *sums.list);
            sums.list[sums.count++] = (struct export_stack){stack, sample->process, {0}};
            *number = (uint32_t)sums.count;
        }
        for (int j = 0; j < EXPORT_VALUES; j++)
            sums.list[*number - 1].values[j] += sample->values[j];
    }
    index_map_clear(&sums.numbers);
    return sums;
}

size_t export_stack_frames(const struct stacks *stacks, uint32_t stack,
                           uint32_t frames[static STACK_DEPTH_MAX]) {
    size_t count = 0;
    for (uint32_t i = stack; i != 0 && count < STACK_DEPTH_MAX; i = stacks->list[i].caller) count++;
    for (size_t i = count; i > 0; stack = stacks->list[stack].caller)
        frames[--i] = stacks->list[stack].frame;
    return count;
}

/* ---- collapsed ---- */

/* A semicolon separates functions. */
static void export_write_name(FILE *to, const char *name) {
    for (; *name != '\0'; name++) putc(*name == ';' ? ',' : *name, to);
}

static void export_write_line(FILE *to, const struct export *from, const struct export_stack *sum,
                              int64_t value) {
    uint32_t frames[STACK_DEPTH_MAX];
    const struct stacks *stacks = from->stacks;
    size_t count = export_stack_frames(stacks, sum->stack, frames);
    if (from->process_count > 1) {
        const struct export_process *process = &from->processes[sum->process];
        export_write_name(to, process->program);
        fprintf(to, " (%u);", process->pid);
    }
    for (size_t i = 0; i < count; i++) {
        if (i != 0) putc(';', to);
        export_write_name(to, texts_get(&stacks->texts, stacks->frames[frames[i]].function));
    }
    fprintf(to, "%s %ld\n", count == 0 ? "[unknown]" : "", value);
}

void export_write_collapsed(FILE *to, const struct export *from, enum export_value value) {
    struct export_stack_sums sums = export_stacks_sum(from);
    for (size_t i = 0; i < sums.count; i++) {
        int64_t rounded = export_round(sums.list[i].values[value]);
        if (rounded > 0) export_write_line(to, from, &sums.list[i], rounded);
    }
    free(sums.list);
}

/* ---- speedscope ---- */

static void export_write_member(FILE *to, const char *name, const char *text) {
    fprintf(to, "\"%s\":", name);
    json_write_string(to, text, strlen(text));
}

/* The frame after the last one stands for an unknown stack. Frames of processes follow it. */
static void export_write_frames(FILE *to, const struct export *from) {
    const struct texts *texts = &from->stacks->texts;
    fputs("\"shared\":{\"frames\":[", to);
    for (size_t i = 0; i < from->stacks->frame_count; i++) {
        const struct stack_frame *frame = &from->stacks->frames[i];
        putc('{', to);
        export_write_member(to, "name", texts_get(texts, frame->function));
        if (frame->file != 0 || frame->module != 0) putc(',', to);
        if (frame->file != 0)
            export_write_member(to, "file", texts_get(texts, frame->file));
        else if (frame->module != 0)
            export_write_member(to, "file", texts_get(texts, frame->module));
        if (frame->line > 0) fprintf(to, ",\"line\":%d", frame->line);
        fputs("},", to);
    }
    fputs("{\"name\":\"[unknown]\"}", to);
    for (size_t i = 0; i < from->process_count; i++) {
        char *name = xasprintf("%s (%u)", from->processes[i].program, from->processes[i].pid);
        fputs(",{", to);
        export_write_member(to, "name", name);
        putc('}', to);
        free(name);
    }
    fputs("]},", to);
}

static void export_write_stack(FILE *to, const struct export *from,
                               const struct export_stack *sum) {
    uint32_t frames[STACK_DEPTH_MAX];
    size_t unknown = from->stacks->frame_count;
    size_t count = export_stack_frames(from->stacks, sum->stack, frames);
    putc('[', to);
    if (from->process_count > 1) fprintf(to, "%zu,", unknown + 1 + sum->process);
    if (count == 0) fprintf(to, "%zu", unknown);
    for (size_t i = 0; i < count; i++) fprintf(to, "%s%u", i == 0 ? "" : ",", frames[i]);
    putc(']', to);
}

static void export_write_value(FILE *to, const struct export *from,
                               const struct export_stack_sums *sums, enum export_value value) {
    int64_t total = 0;
    bool is_first = true;
    bool is_bytes = value == EXPORT_ALLOCATED_BYTES || value == EXPORT_LIVE_BYTES;
    fprintf(to, "{\"type\":\"sampled\",\"name\":\"%s\",\"unit\":\"%s\",\"samples\":[",
            export_value_names[value], is_bytes ? "bytes" : "none");
    for (size_t i = 0; i < sums->count; i++) {
        if (export_round(sums->list[i].values[value]) <= 0) continue;
        if (!is_first) putc(',', to);
        is_first = false;
        export_write_stack(to, from, &sums->list[i]);
    }
    fputs("],\"weights\":[", to);
    for (size_t i = 0; i < sums->count; i++) {
        int64_t rounded = export_round(sums->list[i].values[value]);
        if (rounded <= 0) continue;
        fprintf(to, "%s%ld", total == 0 ? "" : ",", rounded);
        if (__builtin_add_overflow(total, rounded, &total)) total = INT64_MAX;
    }
    fprintf(to, "],\"startValue\":0,\"endValue\":%ld}", total);
}

/* One profile for each value. */
void export_write_speedscope(FILE *to, const struct export *from, enum export_value value) {
    struct export_stack_sums sums = export_stacks_sum(from);
    fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",", to);
    export_write_frames(to, from);
    fputs("\"profiles\":[", to);
    for (enum export_value i = 0; i < EXPORT_VALUES; i++) {
        if (i != 0) putc(',', to);
        export_write_value(to, from, &sums, i);
    }
    fprintf(to, "],\"activeProfileIndex\":%d,\"exporter\":\"mallow " MALLOW_VERSION "\",",
            (int)value);
    export_write_member(to, "name", from->process_count > 0 ? from->processes[0].program : "");
    fputs("}\n", to);
    free(sums.list);
}
