/* Follows the events of a trace, and sums them up by program and call site. */
#include "profiles/profile_trace.h"

#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/xalloc.h"

#define TRACE_SNAPSHOTS 100u /* at most, of each program */

/* ---- programs and sites ---- */

static struct profile_traced *profile_trace_program(struct profile_trace *trace, uint32_t number,
                                                    uint64_t time) {
    struct profile_traced *program = &trace->programs[number - 1];
    if (program->has_begun) return program;
    program->has_begun = true;
    program->number = number;
    program->started = time;
    size_t frames = mallow_trace_frames(trace->trace) + 1;
    program->site_numbers = xcalloc(frames, sizeof *program->site_numbers);
    program->has_frame = xcalloc(frames, sizeof *program->has_frame);
    program->has_module =
        xcalloc(mallow_trace_modules(trace->trace) + 1, sizeof *program->has_module);
    profile_traced_begin(trace, program);
    return program;
}

static struct mallow_profile_site *profile_trace_site(struct profile_traced *program,
                                                      uint32_t frame) {
    uint32_t *number = &program->site_numbers[frame];
    if (*number == 0) {
        size_t count = program->site_count;
        program->sites = xgrow(program->sites, count, sizeof *program->sites);
        program->is_changed = xgrow(program->is_changed, count, sizeof *program->is_changed);
        program->changed = xgrow(program->changed, count, sizeof *program->changed);
        program->sites[count] = (struct mallow_profile_site){.node = frame};
        program->is_changed[count] = false;
        *number = (uint32_t)++program->site_count;
    }
    uint32_t index = *number - 1;
    if (!program->is_changed[index]) program->changed[program->changed_count++] = index;
    program->is_changed[index] = true;
    return &program->sites[index];
}

static void profile_trace_add(struct mallow_profile_sum *sum, double blocks, double bytes) {
    sum->samples += (uint64_t)(int64_t)blocks;
    sum->blocks += blocks;
    sum->bytes += bytes;
}

static void profile_trace_hold(struct profile_traced *program, struct mallow_profile_site *site,
                               uint64_t bytes) {
    profile_trace_add(&site->live, 1, (double)bytes);
    if (site->live.bytes > site->peak_bytes) site->peak_bytes = site->live.bytes;
    program->live_blocks++;
    program->live_bytes += bytes;
}

/* ---- events ---- */

static unsigned profile_trace_lifetime(uint64_t nanoseconds) {
    unsigned index = 0;
    for (uint64_t end = 1000000; index < MALLOW_PROFILE_LIFETIMES - 1 && nanoseconds >= end;
         end *= 10)
        index++;
    return index;
}

/* The block at the address ends. */
static void profile_trace_release(const struct profile_trace *trace, struct profile_traced *program,
                                  uint32_t process, uint64_t address, uint64_t time) {
    const struct mallow_trace_block *block =
        mallow_trace_live_block(trace->trace, process, address);
    if (block == NULL) return;
    struct mallow_profile_site *site = profile_trace_site(program, block->stack);
    /* Blocks of the parent do not count as allocated here, so they do not count as freed. */
    if (block->time < program->started && site->inherited.samples > 0)
        profile_trace_add(&site->inherited, -1, -(double)block->size);
    else if (trace->has_times)
        site->freed[profile_trace_lifetime(time - block->time)]++;
    profile_trace_add(&site->live, -1, -(double)block->size);
    program->live_blocks--;
    program->live_bytes -= block->size;
}

static void profile_trace_allocate(const struct profile_trace *trace,
                                   struct profile_traced *program,
                                   const struct mallow_trace_event *event) {
    uint64_t bytes = mallow_trace_bytes(event);
    bool frees_old = event->old_address != 0 && mallow_trace_is_resize(event->kind) &&
                     (event->address != 0 || bytes == 0);
    if (frees_old)
        profile_trace_release(trace, program, event->process, event->old_address, event->time);
    if (event->address == 0) return;
    /* A free was not recorded, if there is a block at the address. */
    if (!frees_old || event->old_address != event->address)
        profile_trace_release(trace, program, event->process, event->address, event->time);
    struct mallow_profile_site *site = profile_trace_site(program, event->stack);
    profile_trace_add(&site->allocated, 1, (double)bytes);
    profile_trace_hold(program, site, bytes);
}

struct profile_trace_fork {
    struct profile_traced *child;
    uint32_t parent;
};

static void profile_trace_inherit(const struct mallow_trace_block *block, void *context) {
    const struct profile_trace_fork *fork = context;
    if (block->process != fork->parent) return;
    struct mallow_profile_site *site = profile_trace_site(fork->child, block->stack);
    profile_trace_add(&site->inherited, 1, (double)block->size);
    profile_trace_hold(fork->child, site, block->size);
}

static void profile_trace_fork(struct profile_trace *trace,
                               const struct mallow_trace_event *event) {
    if (event->count == 0 || event->count > trace->count) return;
    struct profile_trace_fork fork = {
        .child = profile_trace_program(trace, (uint32_t)event->count, event->time),
        .parent = event->process};
    mallow_trace_each_live(trace->trace, profile_trace_inherit, &fork);
}

static void profile_trace_end(const struct profile_trace *trace, struct profile_traced *program,
                              uint64_t time, enum mallow_profile_reason reason) {
    profile_traced_snapshot(trace, program, time, reason);
    program->has_ended = true;
    free(program->site_numbers);
    free(program->sites);
    free(program->is_changed);
    free(program->changed);
    free(program->has_frame);
    free(program->has_module);
    free(program->to.block.data);
}

/* A recorder sees the end of the process that it has started, and those of the threads of others.
 */
static void profile_trace_end_thread(const struct profile_trace *trace,
                                     struct profile_traced *program, uint32_t number) {
    const struct mallow_trace_thread *thread = mallow_trace_thread(trace->trace, number);
    const struct mallow_trace_process *process =
        mallow_trace_process(trace->trace, program->number);
    if (thread->tid == process->pid) program->has_no_thread = true;
}

static void profile_trace_event(struct profile_trace *trace,
                                const struct mallow_trace_event *event) {
    struct profile_traced *program = profile_trace_program(trace, event->process, event->time);
    if (program->has_ended) return;
    if (mallow_trace_is_allocation(event->kind))
        profile_trace_allocate(trace, program, event);
    else if (mallow_trace_is_free(event->kind))
        profile_trace_release(trace, program, event->process, event->old_address, event->time);
    else if (event->kind == MALLOW_TRACE_RESIDENT)
        program->resident = event->size;
    else if (event->kind == MALLOW_TRACE_FORK)
        profile_trace_fork(trace, event);
    else if (event->kind == MALLOW_TRACE_THREAD_END)
        profile_trace_end_thread(trace, program, event->thread);
    else if (event->kind == MALLOW_TRACE_EXEC || event->kind == MALLOW_TRACE_EXIT)
        profile_trace_end(trace, program, event->time, MALLOW_PROFILE_EXIT);
}

/* Programs in which nothing has changed have no snapshot. */
static void profile_trace_snapshot_all(const struct profile_trace *trace, uint64_t time) {
    for (size_t i = 0; i < trace->count; i++) {
        struct profile_traced *program = &trace->programs[i];
        bool runs = program->has_begun && !program->has_ended && program->started < time;
        if (runs && program->changed_count != 0)
            profile_traced_snapshot(trace, program, time, MALLOW_PROFILE_PERIODIC);
    }
}

static void profile_trace_follow(struct profile_trace *trace) {
    uint64_t end = mallow_trace_duration(trace->trace);
    uint64_t interval = end / TRACE_SNAPSHOTS + 1, next = interval;
    const struct mallow_trace_event *event;
    while ((event = mallow_trace_next(trace->trace)) != NULL) {
        if (event->time >= next) {
            next = event->time / interval * interval;
            profile_trace_snapshot_all(trace, next);
            next += interval;
        }
        if (event->process != 0) profile_trace_event(trace, event);
    }
    for (size_t i = 0; i < trace->count; i++) {
        struct profile_traced *program = &trace->programs[i];
        if (program->has_begun && !program->has_ended)
            profile_trace_end(trace, program, end,
                              program->has_no_thread ? MALLOW_PROFILE_EXIT
                                                     : MALLOW_PROFILE_REQUEST);
    }
}

/* ---- the file ---- */

bool profile_is_trace(const char *path) {
    char magic[4];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return false;
    bool is_trace = pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
                    memcmp(magic, "MTRC", sizeof magic) == 0;
    close(fd);
    return is_trace;
}

/* The bytes of the sections stay until the command ends, as those of files do. */
static void profile_trace_add_sections(const struct profile_trace *trace, struct profile *profile) {
    for (size_t i = 0; i < trace->count; i++) {
        const struct trace_bytes *bytes = &trace->programs[i].to.bytes;
        if (bytes->count == 0 || profile_add_bytes(profile, bytes->data, bytes->count) != NULL)
            continue;
        profile_trace_add_names(trace->trace, profile->sections[profile->count - 1]);
    }
}

const char *profile_add_trace(struct profile *profile, const char *path) {
    struct profile_trace trace = {.trace = mallow_trace_open(path, MALLOW_TRACE_LIVE)};
    if (mallow_trace_error(trace.trace) == NULL) {
        trace.count = mallow_trace_processes(trace.trace);
        trace.programs = xcalloc(trace.count + 1, sizeof *trace.programs);
        trace.has_times = mallow_trace_duration(trace.trace) != 0;
        profile_trace_follow(&trace);
    }
    if (mallow_trace_error(trace.trace) != NULL)
        errx(EXIT_BAD_PROFILE, "%s", mallow_trace_error(trace.trace));
    if (mallow_trace_damage(trace.trace) != NULL) warnx("%s", mallow_trace_damage(trace.trace));
    profile_trace_add_sections(&trace, profile);
    free(trace.programs);
    mallow_trace_close(trace.trace);
    return profile->count == 0 ? "is a trace without events" : NULL;
}
