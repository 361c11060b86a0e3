#include "trace/trace_event.h"

#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "trace_writer.h"

#define FORK_PATIENCE_MS 200

/* ---- time ---- */

/* Times never go back, although those of a thread may be older than what was read before. */
static uint64_t trace_events_time(struct trace_events *events, uint64_t head) {
    uint64_t ns = trace_area_ns(events->area, head);
    uint64_t time = ns > events->start ? ns - events->start : 0;
    if (time > events->time) events->time = time;
    return events->time;
}

static void trace_events_add(struct trace_events *events, const struct mallow_trace_event *event) {
    trace_writer_add(events->processes.writer, event);
}

/* ---- records that are no events ---- */

/* Notes what the rings take of the process's memory. */
static void trace_events_count_words(struct trace_source *source, unsigned words) {
    if (source->words >= TRACE_RING_WORDS) return;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE) / sizeof(uint64_t);
    source->words += words;
    if (source->words / page != (source->words - words) / page) source->process->pages_of_rings++;
}

static void trace_events_executed(struct trace_events *events, struct trace_process *process) {
    struct trace_process *before = trace_process_before_exec(&events->processes, process);
    if (process->parent != NULL || before == NULL || before->thread == 0) return;
    trace_events_add(events, &(struct mallow_trace_event){.kind = MALLOW_TRACE_EXEC,
                                                          .time = events->time,
                                                          .thread = before->thread,
                                                          .count = process->number});
}

static struct trace_process *trace_events_process(struct trace_events *events,
                                                  const uint64_t *words) {
    uint32_t number = (uint32_t)words[1];
    struct trace_process *process = trace_process_find(&events->processes, number);
    if (process != NULL) return process;
    return trace_process_add(&events->processes, number, (pid_t)(uint32_t)words[2],
                             (uint32_t)words[3], (pid_t)(words[3] >> 32));
}

void trace_events_announce(struct trace_events *events, const uint64_t *words) {
    if ((words[0] & TRACE_KIND) == TRACE_OWNER) trace_events_process(events, words);
}

static void trace_events_owner(struct trace_events *events, struct trace_source *source,
                               const uint64_t *words) {
    struct trace_process *process = trace_events_process(events, words);
    uint64_t time = trace_events_time(events, words[0]);
    if (process == NULL) return;
    if (process->thread == 0) trace_events_executed(events, process);
    if (source->process != process) source->words = 0;
    source->process = process;
    bool is_new;
    source->tid = (pid_t)(words[2] >> 32);
    source->thread = trace_process_take_thread(&events->processes, process, source->tid, &is_new);
    if (is_new)
        trace_events_add(events, &(struct mallow_trace_event){.kind = MALLOW_TRACE_THREAD_START,
                                                              .time = time,
                                                              .thread = source->thread});
}

/* ---- events ---- */

/* Frees a block that another thread is resizing, if its address is given out again. */
static void trace_events_free_resized(struct trace_events *events,
                                      const struct trace_source *source, uint64_t address) {
    uint32_t thread = trace_resize_takes(&events->resizes, source->process->number, address);
    if (thread != 0)
        trace_events_add(events, &(struct mallow_trace_event){.kind = MALLOW_TRACE_FREE,
                                                              .time = events->time,
                                                              .thread = thread,
                                                              .old_address = address});
}

static void trace_events_allocation(struct trace_events *events, const struct trace_source *source,
                                    const uint64_t *words) {
    uint8_t kind = words[0] & TRACE_KIND;
    unsigned align = (words[0] >> TRACE_DETAIL_SHIFT) & 0xff, at = 2;
    struct mallow_trace_event event = {
        .kind = kind,
        .time = trace_events_time(events, words[0]),
        .thread = source->thread,
        .address = words[1] >> 16,
        .size = words[1] & 0xffff,
    };
    if (kind == MALLOW_TRACE_REALLOC)
        event.old_address = trace_resize_end(&events->resizes, source->thread, words[at++]);
    trace_events_free_resized(events, source, event.address);
    if (event.size == TRACE_SIZE_APART) event.size = words[at++];
    if ((words[0] & TRACE_HAS_STACK) != 0)
        event.stack = trace_process_stack(source->process, (uint32_t)words[at]);
    if (kind == MALLOW_TRACE_CALLOC) event.count = 1;
    if (align != 0 && kind != MALLOW_TRACE_REALLOC) {
        if (kind == MALLOW_TRACE_CALLOC || kind == MALLOW_TRACE_MALLOC)
            event.kind = MALLOW_TRACE_MEMALIGN;
        event.count = (uint64_t)1 << (align & 63);
    }
    trace_events_add(events, &event);
}

static void trace_events_free(struct trace_events *events, const struct trace_source *source,
                              const uint64_t *words) {
    bool has_stack = (words[0] & TRACE_HAS_STACK) != 0;
    trace_events_add(
        events,
        &(struct mallow_trace_event){
            .kind = words[0] & TRACE_KIND,
            .time = trace_events_time(events, words[0]),
            .thread = source->thread,
            .old_address = words[1] >> 16,
            .stack = has_stack ? trace_process_stack(source->process, (uint32_t)words[2]) : 0,
        });
}

/* A process that was forked is written when its first thread appears, which is soon. If it does not
 * appear, the fork has failed or the process has ended. */
static bool trace_events_fork(struct trace_events *events, const struct trace_source *source,
                              const uint64_t *words) {
    const struct trace_process *child = trace_process_find(&events->processes, (uint32_t)words[4]);
    if (child == NULL) {
        if (events->fork_deadline == 0) events->fork_deadline = clock_ms() + FORK_PATIENCE_MS;
        if (clock_ms() < events->fork_deadline) return false;
    }
    events->fork_deadline = 0;
    if (child != NULL)
        trace_events_add(events, &(struct mallow_trace_event){
                                     .kind = MALLOW_TRACE_FORK,
                                     .time = trace_events_time(events, words[0]),
                                     .thread = source->thread,
                                     .count = child->number,
                                 });
    return true;
}

static void trace_events_other(struct trace_events *events, const struct trace_source *source,
                               const uint64_t *words) {
    trace_events_add(events,
                     &(struct mallow_trace_event){
                         .kind = words[0] & TRACE_KIND,
                         .time = trace_events_time(events, words[0]),
                         .thread = source->thread,
                         .address = words[1],
                         .old_address = words[2],
                         .size = words[3],
                         .count = words[4],
                         .protection = (uint32_t)words[5],
                         .flags = (uint32_t)(words[5] >> 32),
                         .error = (uint16_t)words[6],
                         .stack = trace_process_stack(source->process, (uint32_t)words[7]),
                         .is_caused = ((words[0] >> TRACE_DETAIL_SHIFT) & TRACE_CAUSED) != 0,
                         .follows_cause = ((words[0] >> TRACE_DETAIL_SHIFT) & TRACE_FOLLOWS) != 0,
                     });
}

bool trace_events_take(struct trace_events *events, struct trace_source *source,
                       const uint64_t *words) {
    unsigned kind = words[0] & TRACE_KIND;
    if (kind == TRACE_OWNER) trace_events_owner(events, source, words);
    if (source->process == NULL) return true;
    if (kind == MALLOW_TRACE_FORK && !trace_events_fork(events, source, words)) return false;
    events->count++;
    trace_events_count_words(source, trace_record_words(words[0], words[1]));
    if (kind == TRACE_NODE)
        trace_process_node(&events->processes, source->process, (uint32_t)words[2],
                           (uint32_t)(words[2] >> 32), words[1]);
    else if (kind == TRACE_LOST)
        trace_events_add(events,
                         &(struct mallow_trace_event){.kind = MALLOW_TRACE_LOST,
                                                      .time = trace_events_time(events, words[0]),
                                                      .thread = source->thread,
                                                      .count = words[1]});
    else if (kind == TRACE_RESIZING)
        trace_resize_begin(&events->resizes, source->process->number, source->thread, words[1]);
    else if (mallow_trace_is_allocation((uint8_t)kind))
        trace_events_allocation(events, source, words);
    else if (mallow_trace_is_free((uint8_t)kind))
        trace_events_free(events, source, words);
    else if (mallow_trace_is_system_call((uint8_t)kind) || kind == MALLOW_TRACE_TRIM)
        trace_events_other(events, source, words);
    return true;
}

void trace_events_end(struct trace_events *events, struct trace_source *source) {
    if (source->process == NULL || source->thread == 0) return;
    trace_resize_end(&events->resizes, source->thread, 0);
    if (trace_process_drop_thread(source->process, source->tid))
        trace_events_add(events, &(struct mallow_trace_event){.kind = MALLOW_TRACE_THREAD_END,
                                                              .time = events->time,
                                                              .thread = source->thread});
    source->thread = 0;
    source->process = NULL;
}

void trace_events_sample(struct trace_events *events) {
    uint64_t ns = events->area->ns;
    uint64_t time = ns > events->start ? ns - events->start : 0;
    if (time > events->time) events->time = time;
    for (uint32_t i = 1; i < events->processes.count; i++) {
        struct trace_process *process = trace_process_find(&events->processes, i);
        if (process != NULL) trace_process_sample(&events->processes, process, events->time);
    }
}

void trace_events_exit(struct trace_events *events, int status) {
    const struct trace_process *first = trace_process_find(&events->processes, 1);
    if (first == NULL || first->thread == 0) return;
    trace_events_add(events, &(struct mallow_trace_event){.kind = MALLOW_TRACE_EXIT,
                                                          .time = events->time,
                                                          .thread = first->thread,
                                                          .count = (uint64_t)status});
}
