/* The interface of mallow/trace.h. */
#include <stdlib.h>
#include <string.h>

#include "trace_state.h"

/* ---- opening ---- */

static bool reader_read_facts(struct mallow_trace *trace, const struct trace_entry *entry) {
    struct trace_cursor from;
    struct mallow_trace_facts *facts = &trace->facts;
    if (!trace_input_read(&trace->input, entry, false, &from)) return false;
    if (trace_cursor_number(&from) > TRACE_VERSION)
        return trace_input_fail(&trace->input, 0,
                                "byte 16: the trace has a newer version of the format; read it "
                                "with the version of Mallow that made it");
    uint64_t resolution = trace_cursor_number(&from);
    facts->start = trace_cursor_number(&from);
    facts->page_size = (uint32_t)trace_cursor_number(&from);
    facts->processors = (uint32_t)trace_cursor_number(&from);
    facts->has_stacks = trace_cursor_number(&from) != 0;
    for (unsigned i = 0; i < 3; i++) {
        size_t bytes;
        const uint8_t *text = trace_cursor_text(&from, &bytes);
        trace->texts[i] = strndup(text == NULL ? "" : (const char *)text, bytes);
        if (trace->texts[i] == NULL) return trace_input_fail(&trace->input, 0, "out of memory");
    }
    if (from.failed || resolution == 0 || resolution > 1000000000)
        return trace_input_damage(&trace->input, entry->offset, "the facts are damaged");
    facts->resolution = (uint32_t)resolution;
    facts->allocator = trace->texts[0];
    facts->machine = trace->texts[1];
    facts->recorder = trace->texts[2];
    return true;
}

/* Reads all tables, so that the events of any place can refer to them. */
static bool reader_read_tables(struct mallow_trace *trace) {
    for (size_t i = 0; i < trace->input.count; i++) {
        const struct trace_entry *entry = &trace->input.entries[i];
        struct trace_cursor from;
        if (entry->type == TRACE_BLOCK_TABLES &&
            trace_input_read(&trace->input, entry, true, &from) &&
            !trace_tables_read(&trace->tables, &from))
            trace_input_damage(&trace->input, entry->offset, "a table is damaged");
        if (trace->input.error != NULL) return false;
    }
    return true;
}

static void reader_find_end(struct mallow_trace *trace) {
    for (size_t i = 0; i < trace->input.count; i++) {
        const struct trace_entry *entry = &trace->input.entries[i];
        if (entry->type != TRACE_BLOCK_EVENTS) continue;
        trace->events = entry->numbers.first + entry->numbers.count;
        if (entry->numbers.end > trace->end) trace->end = entry->numbers.end;
    }
}

static void reader_load(struct mallow_trace *trace) {
    const struct trace_input *input = &trace->input;
    if (input->count == 0 || input->entries[0].type != TRACE_BLOCK_FACTS) {
        trace_input_damage(&trace->input, 0, "the facts are missing, so nothing can be read");
        trace->input.count = 0;
        return;
    }
    if (!reader_read_facts(trace, &input->entries[0])) {
        trace->input.count = 0;
        return;
    }
    trace->decoder.resolution = trace->facts.resolution;
    if (reader_read_tables(trace)) reader_find_end(trace);
}

struct mallow_trace *mallow_trace_open(const char *path, unsigned flags) {
    struct mallow_trace *trace = calloc(1, sizeof *trace);
    if (trace == NULL) return NULL;
    trace->facts = (struct mallow_trace_facts){
        .allocator = "", .machine = "", .recorder = "", .resolution = 1};
    trace->keeps_live = (flags & MALLOW_TRACE_LIVE) != 0;
    if (trace_input_open(&trace->input, path)) reader_load(trace);
    if (trace->input.path != NULL) return trace;
    mallow_trace_close(trace);
    return NULL;
}

void mallow_trace_close(struct mallow_trace *trace) {
    if (trace == NULL) return;
    trace_input_close(&trace->input);
    trace_tables_clear(&trace->tables);
    trace_live_clear(&trace->live);
    for (unsigned i = 0; i < 3; i++) free(trace->texts[i]);
    free(trace);
}

const char *mallow_trace_error(const struct mallow_trace *trace) {
    return trace == NULL ? "out of memory" : trace->input.error;
}

const char *mallow_trace_damage(const struct mallow_trace *trace) { return trace->input.damage; }

const struct mallow_trace_facts *mallow_trace_get_facts(const struct mallow_trace *trace) {
    return &trace->facts;
}

uint64_t mallow_trace_events(const struct mallow_trace *trace) { return trace->events; }

uint64_t mallow_trace_duration(const struct mallow_trace *trace) {
    return trace->end * trace->facts.resolution;
}

uint64_t mallow_trace_position(const struct mallow_trace *trace) {
    return trace->next - trace->is_held;
}

/* ---- events ---- */

/* Reads a frame. Returns false if it cannot be decoded, which is recorded. */
static bool reader_begin_frame(struct mallow_trace *trace, const struct trace_entry *entry) {
    struct trace_cursor content;
    const struct trace_block_numbers *numbers = &entry->numbers;
    bool begins_group = numbers->group != 0;
    bool follows = trace->is_decodable && numbers->first == trace->next;
    trace->is_decodable = false;
    if (!begins_group && !follows)
        return trace_input_damage(&trace->input, entry->offset,
                                  "a frame was skipped, because one before it is damaged");
    if (!trace_input_read(&trace->input, entry, true, &content)) return false;
    if (numbers->first + numbers->count > trace->events || numbers->first < trace->next ||
        !trace_input_split(&content, trace->decoder.columns, TRACE_COLUMNS))
        return trace_input_damage(&trace->input, entry->offset, "a damaged frame was skipped");
    if (begins_group) trace_decoder_begin_group(&trace->decoder, numbers->start);
    trace_decoder_begin_frame(&trace->decoder);
    trace->next = numbers->first;
    trace->left = numbers->count;
    trace->is_decodable = true;
    return true;
}

/* Goes to the next frame. Returns false at the end or after an error. */
static bool reader_find_frame(struct mallow_trace *trace) {
    while (trace->left == 0) {
        if (trace->input.error != NULL || trace->entry >= trace->input.count) return false;
        const struct trace_entry *entry = &trace->input.entries[trace->entry++];
        if (entry->type == TRACE_BLOCK_EVENTS) reader_begin_frame(trace, entry);
    }
    return true;
}

bool trace_state_apply(struct mallow_trace *trace) {
    trace->is_returned = false;
    if (!trace->keeps_live) return true;
    struct mallow_trace_block *old = trace_live_old(&trace->live, trace->event);
    if (trace_live_apply(&trace->live, trace->event, trace->next - 1, old)) return true;
    return trace_input_fail(&trace->input, 0, "out of memory");
}

/* Decodes an event. Returns false if it contradicts the format or refers to no thread or stack. */
static bool reader_decode(struct mallow_trace *trace, struct mallow_trace_event *event) {
    const struct trace_tables *tables = &trace->tables;
    if (!trace_decoder_next(&trace->decoder, event) || event->thread > tables->thread_count ||
        event->stack > tables->frame_count)
        return false;
    if (event->thread != 0) event->process = tables->threads[event->thread - 1].process;
    if (trace->keeps_live) trace_live_prefetch_event(&trace->live, event);
    return true;
}

/* Decodes the next events of a frame. Returns false at the end or after an error. */
static bool reader_decode_batch(struct mallow_trace *trace) {
    trace->batch_at = trace->batch_count = 0;
    while (trace->batch_count == 0) {
        if (!reader_find_frame(trace)) return false;
        for (; trace->left != 0 && trace->batch_count < TRACE_BATCH_EVENTS; trace->left--) {
            if (reader_decode(trace, &trace->batch[trace->batch_count])) {
                trace->batch_count++;
                continue;
            }
            trace_input_damage(&trace->input, trace->input.entries[trace->entry - 1].offset,
                               "the rest of a damaged frame was skipped");
            trace->is_decodable = false;
            trace->left = 0;
            break;
        }
    }
    return true;
}

bool trace_state_decode(struct mallow_trace *trace) {
    if (trace->batch_at == trace->batch_count && !reader_decode_batch(trace)) return false;
    trace->event = &trace->batch[trace->batch_at++];
    trace->next++;
    return true;
}

const struct mallow_trace_event *mallow_trace_next(struct mallow_trace *trace) {
    if (trace->is_returned && !trace_state_apply(trace)) return NULL;
    if (!trace->is_held && !trace_state_decode(trace)) return NULL;
    trace->is_held = false;
    trace->is_returned = true;
    return trace->event;
}
