/* Writes what a program in a trace has done as a section of a profile. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "profiles/profile_trace.h"

/* ---- PROCESS ---- */

static uint64_t profile_traced_machine(const char *machine) {
    if (strstr(machine, "aarch64") != NULL) return EM_AARCH64;
    return strstr(machine, "x86_64") != NULL ? EM_X86_64 : EM_NONE;
}

/* A process that executes another program becomes another process of the trace. */
static uint64_t profile_traced_executed(const struct mallow_trace *trace,
                                        const struct mallow_trace_process *process) {
    uint64_t count = 0;
    while (!process->is_fork && process->parent != 0) {
        process = mallow_trace_process(trace, process->parent);
        count++;
    }
    return count;
}

static uint32_t profile_traced_parent(const struct mallow_trace *trace,
                                      const struct mallow_trace_process *process) {
    uint32_t pid = process->pid;
    while (process->parent != 0) {
        process = mallow_trace_process(trace, process->parent);
        if (process->pid != pid) return process->pid;
    }
    return 0;
}

void profile_traced_begin(struct profile_trace *trace, struct profile_traced *program) {
    const struct mallow_trace_facts *facts = mallow_trace_get_facts(trace->trace);
    const struct mallow_trace_process *process =
        mallow_trace_process(trace->trace, program->number);
    const uint64_t numbers[] = {
        MALLOW_PROFILE_VERSION,
        process->pid,
        profile_traced_parent(trace->trace, process),
        program->started,
        facts->start + program->started,
        MALLOW_PROFILE_EACH_BLOCK,
        facts->page_size != 0 ? facts->page_size : 4096,
        profile_traced_machine(facts->machine),
        8,
        profile_traced_executed(trace->trace, process),
        strlen(process->program),
    };
    profile_encode_begin(&program->to, MALLOW_PROFILE_PROCESS);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        profile_encode_number(&program->to, numbers[i]);
    profile_encode_text(&program->to, process->program, strlen(process->program));
    profile_encode_number(&program->to, 0); /* no size classes */
    profile_encode_end(&program->to);
}

/* ---- STACKS, THREADS and MODULES ---- */

struct profile_traced_frames {
    uint32_t *list; /* in ascending order, when they are complete: callers come first */
    size_t count;
};

static int profile_traced_compare(const void *a, const void *b) {
    const uint32_t *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* Returns the frames of changed sites that were not written yet, and marks them. */
static struct profile_traced_frames profile_traced_new_frames(const struct mallow_trace *trace,
                                                              struct profile_traced *program) {
    struct profile_traced_frames frames = {.count = 0};
    for (size_t i = 0; i < program->changed_count; i++) {
        uint32_t frame = program->sites[program->changed[i]].node;
        for (; frame != 0 && !program->has_frame[frame];
             frame = mallow_trace_frame(trace, frame)->caller) {
            program->has_frame[frame] = true;
            frames.list = xgrow(frames.list, frames.count, sizeof *frames.list);
            frames.list[frames.count++] = frame;
        }
    }
    if (frames.count != 0)
        qsort(frames.list, frames.count, sizeof *frames.list, profile_traced_compare);
    return frames;
}

static void profile_traced_write_stacks(const struct mallow_trace *trace,
                                        struct profile_encoder *to,
                                        const struct profile_traced_frames *frames) {
    struct mallow_profile_node before = {0};
    profile_encode_begin(to, MALLOW_PROFILE_STACKS);
    for (size_t i = 0; i < frames->count; i++) {
        const struct mallow_trace_frame *frame = mallow_trace_frame(trace, frames->list[i]);
        profile_encode_difference(to, (uint64_t)frames->list[i] - before.node);
        profile_encode_difference(to, (uint64_t)frame->caller - before.node);
        profile_encode_difference(to, frame->pc - before.pc);
        before = (struct mallow_profile_node){.node = frames->list[i], .pc = frame->pc};
        if (!profile_encode_is_full(to)) continue;
        profile_encode_end(to);
        before = (struct mallow_profile_node){0};
    }
    profile_encode_end(to);
}

static void profile_traced_write_module(struct profile_encoder *to,
                                        const struct mallow_trace_module *module) {
    size_t path_bytes = strlen(module->path);
    profile_encode_begin(to, MALLOW_PROFILE_MODULES);
    profile_encode_difference(to, module->start);
    const uint64_t numbers[] = {module->end - module->start, module->offset, module->id_bytes, 0,
                                path_bytes};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        profile_encode_number(to, numbers[i]);
    profile_encode_text(to, module->id, module->id_bytes);
    profile_encode_text(to, module->path, path_bytes);
    profile_encode_end(to);
}

/* Writes the modules of the frames, in the order in which they were mapped. Frames of an imported
 * trace have names and need none. */
static void profile_traced_write_modules(const struct mallow_trace *trace,
                                         struct profile_traced *program,
                                         const struct profile_traced_frames *frames) {
    struct profile_traced_frames modules = {.count = 0};
    for (size_t i = 0; i < frames->count; i++) {
        const struct mallow_trace_frame *frame = mallow_trace_frame(trace, frames->list[i]);
        if (frame->symbol != 0 || frame->module == 0 || program->has_module[frame->module])
            continue;
        program->has_module[frame->module] = true;
        modules.list = xgrow(modules.list, modules.count, sizeof *modules.list);
        modules.list[modules.count++] = frame->module;
    }
    if (modules.count != 0)
        qsort(modules.list, modules.count, sizeof *modules.list, profile_traced_compare);
    for (size_t i = 0; i < modules.count; i++)
        profile_traced_write_module(&program->to, mallow_trace_module(trace, modules.list[i]));
    free(modules.list);
}

static void profile_traced_write_threads(const struct mallow_trace *trace,
                                         struct profile_traced *program) {
    profile_encode_begin(&program->to, MALLOW_PROFILE_THREADS);
    for (uint32_t i = 1; i <= mallow_trace_threads(trace); i++) {
        const struct mallow_trace_thread *thread = mallow_trace_thread(trace, i);
        if (thread->process != program->number) continue;
        profile_encode_number(&program->to, thread->tid);
        profile_encode_number(&program->to, strlen(thread->name));
        profile_encode_text(&program->to, thread->name, strlen(thread->name));
        if (profile_encode_is_full(&program->to)) profile_encode_end(&program->to);
    }
    profile_encode_end(&program->to);
}

/* ---- SNAPSHOT, SITES and LIVE ---- */

static void profile_traced_write_totals(struct profile_traced *program, uint64_t time,
                                        enum mallow_profile_reason reason) {
    const uint64_t numbers[] = {reason,
                                time - program->started,
                                program->resident,
                                program->live_blocks,
                                program->live_bytes,
                                0, /* large blocks: how the allocator divides memory is unknown */
                                0,
                                0,
                                0,
                                0,
                                0};
    profile_encode_begin(&program->to, MALLOW_PROFILE_SNAPSHOT);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        profile_encode_number(&program->to, numbers[i]);
    profile_encode_end(&program->to);
}

static void profile_traced_write_sites(struct profile_traced *program) {
    struct mallow_profile_site before = {0};
    profile_encode_begin(&program->to, MALLOW_PROFILE_SITES);
    for (size_t i = 0; i < program->changed_count; i++) {
        const struct mallow_profile_site *site = &program->sites[program->changed[i]];
        profile_encode_site(&program->to, site, &before);
        before = *site;
        program->is_changed[program->changed[i]] = false;
        if (!profile_encode_is_full(&program->to)) continue;
        profile_encode_end(&program->to);
        before = (struct mallow_profile_site){0};
    }
    profile_encode_end(&program->to);
    program->changed_count = 0;
}

struct profile_traced_live {
    const struct mallow_trace *trace;
    struct profile_traced *program;
    struct mallow_profile_live first, before;
};

static void profile_traced_write_live(const struct mallow_trace_block *block, void *context) {
    struct profile_traced_live *to = context;
    const struct mallow_trace_thread *thread = mallow_trace_thread(to->trace, block->thread);
    if (block->process != to->program->number) return;
    struct mallow_profile_live live = {.address = block->address,
                                       .bytes = block->size,
                                       .blocks = 1,
                                       .time = block->time,
                                       .node = block->stack,
                                       .thread = thread == NULL ? 0 : thread->tid,
                                       .inherited = block->time < to->program->started};
    profile_encode_live(&to->program->to, &live, &to->before);
    to->before = live;
    if (!profile_encode_is_full(&to->program->to)) return;
    profile_encode_end(&to->program->to);
    to->before = to->first;
}

static void profile_traced_write_lives(const struct mallow_trace *trace,
                                       struct profile_traced *program) {
    struct mallow_profile_live first = {
        .time = program->started, .thread = mallow_trace_process(trace, program->number)->pid};
    struct profile_traced_live to = {
        .trace = trace, .program = program, .first = first, .before = first};
    profile_encode_begin(&program->to, MALLOW_PROFILE_LIVE);
    mallow_trace_each_live(trace, profile_traced_write_live, &to);
    profile_encode_end(&program->to);
}

void profile_traced_snapshot(const struct profile_trace *trace, struct profile_traced *program,
                             uint64_t time, enum mallow_profile_reason reason) {
    struct profile_traced_frames frames = profile_traced_new_frames(trace->trace, program);
    profile_traced_write_stacks(trace->trace, &program->to, &frames);
    if (reason != MALLOW_PROFILE_PERIODIC) profile_traced_write_threads(trace->trace, program);
    profile_traced_write_modules(trace->trace, program, &frames);
    free(frames.list);
    profile_traced_write_totals(program, time, reason);
    profile_traced_write_sites(program);
    if (reason != MALLOW_PROFILE_PERIODIC) profile_traced_write_lives(trace->trace, program);
    profile_encode_begin(&program->to, MALLOW_PROFILE_DONE);
    profile_encode_end(&program->to);
}
