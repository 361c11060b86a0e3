/* Goes to any place of a trace: the nearest checkpoint or group before it, and on from there. */
#include "trace_checkpoint.h"
#include "trace_state.h"

/* Returns the index of the last entry that begins at or before the event and that a reader can
 * start with: a checkpoint, or without live blocks a frame that begins a group. Returns 0, which is
 * the facts, if that is the beginning. */
static size_t seek_find_start(const struct mallow_trace *trace, uint64_t event, size_t before) {
    for (size_t i = before; i-- > 0;) {
        const struct trace_entry *entry = &trace->input.entries[i];
        bool is_start = trace->keeps_live
                            ? entry->type == TRACE_BLOCK_CHECKPOINT
                            : entry->type == TRACE_BLOCK_EVENTS && entry->numbers.group != 0;
        if (is_start && entry->numbers.first <= event) return i;
    }
    return 0;
}

static bool seek_restore(struct mallow_trace *trace, const struct trace_entry *entry) {
    struct trace_cursor content, columns[TRACE_CHECKPOINT_COLUMNS];
    if (!trace_input_read(&trace->input, entry, true, &content)) return false;
    if (trace_input_split(&content, columns, TRACE_CHECKPOINT_COLUMNS) &&
        trace_checkpoint_decode(&trace->live, entry->numbers.count, trace->facts.resolution,
                                columns))
        return true;
    return trace_input_damage(&trace->input, entry->offset, "a damaged checkpoint was skipped");
}

/* Goes to a place from which the event can be reached. */
static void seek_jump(struct mallow_trace *trace, uint64_t event, size_t start) {
    trace->left = trace->batch_at = trace->batch_count = 0;
    trace->is_decodable = trace->is_held = trace->is_returned = false;
    trace_live_clear(&trace->live);
    while (trace->keeps_live && start != 0 && !seek_restore(trace, &trace->input.entries[start])) {
        trace_live_clear(&trace->live);
        start = seek_find_start(trace, event, start);
    }
    trace->entry = start;
    trace->next = trace->input.count == 0 ? 0 : trace->input.entries[start].numbers.first;
}

bool mallow_trace_seek(struct mallow_trace *trace, uint64_t event) {
    if (trace->input.error != NULL) return false;
    size_t start = seek_find_start(trace, event, trace->input.count);
    uint64_t first = trace->input.count == 0 ? 0 : trace->input.entries[start].numbers.first;
    uint64_t position = mallow_trace_position(trace);
    if (event < position || first > position) seek_jump(trace, event, start);
    while (mallow_trace_position(trace) < event) {
        if (mallow_trace_next(trace) == NULL) return trace->input.error == NULL;
    }
    if (trace->is_returned && !trace_state_apply(trace)) return false;
    /* Events can be missing before the next one, so find out which one it is. */
    if (!trace->is_held) trace->is_held = trace_state_decode(trace);
    return trace->input.error == NULL;
}

bool mallow_trace_seek_time(struct mallow_trace *trace, uint64_t time) {
    uint64_t first = trace->events;
    for (size_t i = 0; i < trace->input.count && first == trace->events; i++) {
        const struct trace_entry *entry = &trace->input.entries[i];
        if (entry->type == TRACE_BLOCK_EVENTS &&
            entry->numbers.end * trace->facts.resolution >= time)
            first = entry->numbers.first;
    }
    if (!mallow_trace_seek(trace, first)) return false;
    while (trace->is_held && trace->event->time < time)
        if (!mallow_trace_seek(trace, trace->next)) return false;
    return true;
}
