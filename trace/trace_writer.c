#include "trace_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace_checkpoint.h"
#include "trace_coder.h"
#include "trace_frames.h"
#include "trace_live.h"
#include "trace_output.h"
#include "trace_tables.h"

#define WRITER_BATCH_EVENTS 32u
#define WRITER_RESOLUTION 1000u /* nanoseconds, unless the facts say otherwise */

/* A checkpoint is as large as the live set, so its distance from the last one is proportional to
 * that, and at most what can be read in three seconds. */
#define WRITER_CHECKPOINT_MIN ((uint64_t)4 << 20) /* events */
#define WRITER_CHECKPOINT_MAX ((uint64_t)24 << 20)
#define WRITER_CHECKPOINT_BLOCKS 8u /* events for each live block */

struct trace_writer {
    struct trace_output output;
    struct trace_coder *coder;
    struct trace_live live;
    struct trace_tables tables;
    struct trace_frames frames;
    struct trace_bytes records;            /* of tables that are not in the file yet */
    uint64_t events, checkpoint, distance; /* the last checkpoint; to the next one, at least */
    struct trace_block_numbers frame;      /* that is being filled */
    uint32_t resolution;
    /* Events wait until the places of their blocks are in the cache. */
    struct mallow_trace_event batch[WRITER_BATCH_EVENTS];
    unsigned waiting;
};

/* ---- opening ---- */

static bool writer_write_facts(struct trace_writer *writer,
                               const struct mallow_trace_facts *facts) {
    const char *const texts[] = {facts->allocator, facts->machine, facts->recorder};
    struct trace_bytes content = {.data = NULL};
    bool done =
        trace_bytes_add(&content, TRACE_VERSION) && trace_bytes_add(&content, writer->resolution) &&
        trace_bytes_add(&content, facts->start) && trace_bytes_add(&content, facts->page_size) &&
        trace_bytes_add(&content, facts->processors) &&
        trace_bytes_add(&content, facts->has_stacks);
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0] && done; i++)
        done = trace_bytes_add_text(&content, texts[i], strlen(texts[i]));
    done = done ? trace_output_write_plain(&writer->output, TRACE_BLOCK_FACTS, &content)
                : trace_output_fail(&writer->output, 0, "out of memory");
    trace_bytes_free(&content);
    return done;
}

struct trace_writer *trace_writer_open(int fd, const struct mallow_trace_facts *facts) {
    struct trace_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL || !trace_output_open(&writer->output, fd) ||
        (writer->coder = trace_coder_open()) == NULL) {
        free(writer);
        return NULL;
    }
    writer->distance = WRITER_CHECKPOINT_MIN;
    writer->resolution = facts->resolution == 0 ? WRITER_RESOLUTION : facts->resolution;
    writer_write_facts(writer, facts);
    return writer;
}

struct trace_writer *trace_writer_create(const char *path, const struct mallow_trace_facts *facts) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int error = errno;
    struct trace_writer *writer = trace_writer_open(fd, facts);
    if (writer == NULL || fd >= 0) return writer;
    free(writer->output.error);
    writer->output.error = NULL;
    trace_output_fail(&writer->output, error, path);
    return writer;
}

static bool writer_out_of_memory(struct trace_writer *writer) {
    return trace_output_fail(&writer->output, 0, "out of memory");
}

/* ---- blocks ---- */

static bool writer_write_tables(struct trace_writer *writer) {
    if (writer->records.count == 0) return true;
    bool done = trace_output_write(&writer->output, TRACE_BLOCK_TABLES,
                                   &(struct trace_block_numbers){0}, &writer->records, 1);
    writer->records.count = 0;
    return done;
}

/* Writes parts, preceded by the number of bytes of each. */
static bool writer_write_columns(struct trace_writer *writer, enum trace_block_type type,
                                 struct trace_block_numbers *numbers,
                                 const struct trace_bytes *columns, size_t count) {
    uint8_t sizes[TRACE_COLUMNS * TRACE_NUMBER_MAX];
    struct trace_bytes parts[TRACE_COLUMNS + 1] = {{.data = sizes}};
    for (size_t i = 0; i < count; i++) {
        trace_bytes_put(&parts[0], columns[i].count);
        parts[i + 1] = columns[i];
    }
    return trace_output_write(&writer->output, type, numbers, parts, count + 1);
}

/* Writes the frame, if it has events. */
static bool writer_write_frame(struct trace_writer *writer) {
    if (writer->output.error != NULL) return false;
    if (!writer_write_tables(writer)) return false;
    if (writer->frame.count == 0) return true;
    trace_coder_end_frame(writer->coder);
    bool done = writer_write_columns(writer, TRACE_BLOCK_EVENTS, &writer->frame,
                                     writer->coder->columns, TRACE_COLUMNS);
    writer->frame = (struct trace_block_numbers){.start = writer->frame.end};
    return done;
}

static bool writer_write_checkpoint(struct trace_writer *writer) {
    struct trace_bytes columns[TRACE_CHECKPOINT_COLUMNS] = {{.data = NULL}};
    struct trace_block_numbers numbers = {.first = writer->events, .count = writer->live.count};
    bool done = trace_checkpoint_encode(&writer->live, writer->resolution, columns)
                    ? writer_write_columns(writer, TRACE_BLOCK_CHECKPOINT, &numbers, columns,
                                           TRACE_CHECKPOINT_COLUMNS)
                    : writer_out_of_memory(writer);
    for (unsigned i = 0; i < TRACE_CHECKPOINT_COLUMNS; i++) trace_bytes_free(&columns[i]);
    writer->checkpoint = writer->events;
    return done;
}

static bool writer_needs_checkpoint(const struct trace_writer *writer) {
    uint64_t distance = (uint64_t)writer->live.count * WRITER_CHECKPOINT_BLOCKS;
    if (distance < writer->distance) distance = writer->distance;
    if (distance > WRITER_CHECKPOINT_MAX) distance = WRITER_CHECKPOINT_MAX;
    return writer->events - writer->checkpoint >= distance;
}

/* ---- tables ---- */

static bool writer_put(struct trace_writer *writer, uint64_t number) {
    return trace_bytes_add(&writer->records, number);
}

static bool writer_put_text(struct trace_writer *writer, const char *text) {
    return trace_bytes_add_text(&writer->records, text, strlen(text));
}

/* Returns the number of a new entry, or 0 after a failure. */
static uint32_t writer_added(struct trace_writer *writer, bool done, size_t number) {
    if (!done) writer_out_of_memory(writer);
    return done && writer->output.error == NULL ? (uint32_t)number : 0;
}

uint32_t trace_writer_process(struct trace_writer *writer,
                              const struct mallow_trace_process *process) {
    bool done =
        trace_tables_add_process(&writer->tables, process) &&
        writer_put(writer, TRACE_RECORD_PROCESS) && writer_put(writer, process->pid) &&
        writer_put(writer, process->parent) && writer_put(writer, process->is_fork) &&
        writer_put_text(writer, process->program) &&
        trace_bytes_add_text(&writer->records, process->arguments, process->arguments_bytes);
    return writer_added(writer, done, writer->tables.process_count);
}

uint32_t trace_writer_thread(struct trace_writer *writer,
                             const struct mallow_trace_thread *thread) {
    bool done = trace_tables_add_thread(&writer->tables, thread) &&
                writer_put(writer, TRACE_RECORD_THREAD) && writer_put(writer, thread->process) &&
                writer_put(writer, thread->tid) && writer_put_text(writer, thread->name);
    return writer_added(writer, done, writer->tables.thread_count);
}

bool trace_writer_name_thread(struct trace_writer *writer, uint32_t thread, const char *name) {
    bool done = writer_put(writer, TRACE_RECORD_NAME) && writer_put(writer, thread) &&
                writer_put_text(writer, name);
    return writer_added(writer, done, thread) != 0;
}

uint32_t trace_writer_module(struct trace_writer *writer,
                             const struct mallow_trace_module *module) {
    bool done = trace_tables_add_module(&writer->tables, module) &&
                writer_put(writer, TRACE_RECORD_MODULE) && writer_put(writer, module->process) &&
                writer_put(writer, module->start) &&
                writer_put(writer, module->end - module->start) &&
                writer_put(writer, module->offset) && writer_put_text(writer, module->path) &&
                trace_bytes_add_text(&writer->records, module->id, module->id_bytes);
    return writer_added(writer, done, writer->tables.module_count);
}

uint32_t trace_writer_symbol(struct trace_writer *writer,
                             const struct mallow_trace_symbol *symbol) {
    bool done = trace_tables_add_symbol(&writer->tables, symbol) &&
                writer_put(writer, TRACE_RECORD_SYMBOL) && writer_put(writer, symbol->is_inlined) &&
                writer_put(writer, symbol->line) && writer_put_text(writer, symbol->function) &&
                writer_put_text(writer, symbol->file);
    return writer_added(writer, done, writer->tables.symbol_count);
}

static bool writer_put_frame(struct trace_writer *writer, const struct mallow_trace_frame *frame) {
    bool is_named = frame->symbol != 0;
    return writer_put(writer, is_named ? TRACE_RECORD_NAMED : TRACE_RECORD_FRAME) &&
           (!is_named || writer_put(writer, frame->symbol));
}

uint32_t trace_writer_frame(struct trace_writer *writer, uint32_t process, uint32_t caller,
                            uint64_t pc) {
    return trace_writer_named_frame(
        writer,
        &(struct mallow_trace_frame){.pc = pc,
                                     .caller = caller,
                                     .module = trace_frames_module(&writer->tables, process, pc)});
}

uint32_t trace_writer_named_frame(struct trace_writer *writer,
                                  const struct mallow_trace_frame *frame) {
    struct trace_tables *tables = &writer->tables;
    uint32_t *place = trace_frames_place(&writer->frames, tables, frame);
    if (place != NULL && *place != 0) return *place;
    uint32_t number = (uint32_t)tables->frame_count + 1;
    uint64_t last = number == 1 ? 0 : tables->frames[number - 2].pc;
    bool done = place != NULL && trace_tables_add_frame(tables, frame) &&
                writer_put_frame(writer, frame) && writer_put(writer, frame->module) &&
                writer_put(writer, frame->caller == 0 ? 0 : number - frame->caller) &&
                writer_put(writer, trace_fold(frame->pc - last));
    if (done) *place = number;
    return writer_added(writer, done, number);
}

/* ---- events ---- */

/* Begins a frame or a group, if the event is the first one of it. */
static void writer_begin(struct trace_writer *writer, bool begins_group) {
    if (writer->frame.count != 0) return;
    writer->frame.first = writer->events;
    writer->frame.group = begins_group;
    if (begins_group) trace_coder_begin_group(writer->coder, writer->events, writer->frame.start);
    trace_coder_begin_frame(writer->coder);
}

static bool writer_code(struct trace_writer *writer, const struct mallow_trace_event *event) {
    uint64_t time = event->time / writer->resolution;
    uint32_t in_group = writer->coder->model.events;
    writer_begin(writer, in_group == 0 || in_group == TRACE_GROUP_EVENTS);
    struct mallow_trace_block *old = trace_live_old(&writer->live, event);
    trace_coder_add(writer->coder, event, time, old);
    if (!trace_live_apply(&writer->live, event, writer->events, old))
        return writer_out_of_memory(writer);
    writer->events++;
    writer->frame.count++;
    writer->frame.end = time;
    if (writer->coder->model.events < TRACE_GROUP_EVENTS) return true;
    return writer_write_frame(writer) &&
           (!writer_needs_checkpoint(writer) || writer_write_checkpoint(writer));
}

/* Codes the events that wait. */
static bool writer_code_batch(struct trace_writer *writer) {
    unsigned count = writer->waiting;
    writer->waiting = 0;
    for (unsigned i = 0; i < count; i++)
        if (!writer_code(writer, &writer->batch[i])) return false;
    return true;
}

bool trace_writer_add(struct trace_writer *writer, const struct mallow_trace_event *added) {
    if (writer->output.error != NULL) return false;
    struct mallow_trace_event *event = &writer->batch[writer->waiting++];
    *event = *added;
    event->time -= event->time % writer->resolution;
    event->process = event->thread == 0 ? 0 : writer->tables.threads[event->thread - 1].process;
    trace_live_prefetch_event(&writer->live, event);
    return writer->waiting < WRITER_BATCH_EVENTS || writer_code_batch(writer);
}

bool trace_writer_sync(struct trace_writer *writer) {
    return writer->output.error == NULL && writer_code_batch(writer) && writer_write_frame(writer);
}

void trace_writer_checkpoint_every(struct trace_writer *writer, uint64_t events) {
    writer->distance = events;
}

uint64_t trace_writer_events(const struct trace_writer *writer) {
    return writer->events + writer->waiting;
}

uint64_t trace_writer_bytes(const struct trace_writer *writer) { return writer->output.bytes; }

const char *trace_writer_error(const struct trace_writer *writer) {
    return writer == NULL ? "out of memory" : writer->output.error;
}

char *trace_writer_close(struct trace_writer *writer) {
    if (writer == NULL) return strdup("out of memory");
    trace_writer_sync(writer);
    trace_output_close(&writer->output);
    trace_coder_close(writer->coder);
    trace_live_clear(&writer->live);
    trace_tables_clear(&writer->tables);
    free(writer->frames.numbers);
    trace_bytes_free(&writer->records);
    char *error = writer->output.error;
    free(writer);
    return error;
}
