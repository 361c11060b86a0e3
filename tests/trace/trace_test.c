#include "trace_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace_block.h"

static const struct mallow_trace_facts facts = {.start = 1700000000000000000,
                                                .allocator = "mallow",
                                                .machine = "Linux 6.1 x86_64",
                                                .recorder = "test",
                                                .page_size = 4096,
                                                .processors = 2,
                                                .has_stacks = true};

/* The same frame with another symbol would be another frame. */
static uint32_t write_named_frame(struct trace_writer *writer, uint32_t number) {
    struct mallow_trace_frame frame = {.pc = 0x400000 + number, .caller = number / 2};
    frame.symbol = trace_writer_symbol(
        writer, &(struct mallow_trace_symbol){
                    .function = "f", .file = "f.c", .line = number, .is_inlined = true});
    assert_int_equal(frame.symbol, number / 7);
    return trace_writer_named_frame(writer, &frame);
}

static void write_tables(struct trace_writer *writer, uint32_t processes) {
    for (uint32_t i = 1; i <= processes; i++)
        assert_int_equal(
            trace_writer_process(writer,
                                 &(struct mallow_trace_process){.pid = 100 + i,
                                                                .program = "/bin/program",
                                                                .arguments = "program\0argument",
                                                                .arguments_bytes = 17}),
            i);
    for (uint32_t i = 1; i <= WORKLOAD_THREADS; i++)
        assert_int_equal(
            trace_writer_thread(writer,
                                &(struct mallow_trace_thread){
                                    .process = (i - 1) % processes + 1, .tid = i, .name = "t"}),
            i);
    for (uint32_t i = 1; i <= WORKLOAD_STACKS; i++)
        assert_int_equal(i % 7 == 0 ? write_named_frame(writer, i)
                                    : trace_writer_frame(writer, 1, i / 2, 0x400000 + i * 16),
                         i);
}

static struct written begin(struct shape shape, struct trace_writer **writer) {
    struct written written = {.path = "/tmp/mallow-trace.XXXXXX"};
    struct mallow_trace_facts own = facts;
    own.resolution = shape.resolution;
    int fd = mkstemp(written.path);
    assert_true(fd >= 0);
    *writer = trace_writer_open(fd, &own);
    assert_non_null(*writer);
    if (shape.checkpoints != 0) trace_writer_checkpoint_every(*writer, shape.checkpoints);
    write_tables(*writer, shape.processes);
    written.events = calloc(shape.events + 1, sizeof *written.events);
    struct workload workload = workload_begin(shape.seed, shape.processes, shape.limit);
    for (size_t i = 0; i < shape.events; i++) {
        written.events[i] = workload_next(&workload, i);
        assert_true(trace_writer_add(*writer, &written.events[i]));
        written.count++;
        if (shape.sync == 0 || (i + 1) % shape.sync != 0) continue;
        assert_true(trace_writer_sync(*writer));
        written.synced_bytes[written.syncs] = trace_writer_bytes(*writer);
        written.synced_events[written.syncs++] = written.count;
    }
    workload_end(&workload);
    assert_int_equal(trace_writer_events(*writer), shape.events);
    return written;
}

struct written write_file(struct shape shape) {
    struct trace_writer *writer;
    struct written written = begin(shape, &writer);
    assert_null(trace_writer_close(writer));
    return written;
}

struct written write_unfinished_file(struct shape shape) {
    struct trace_writer *writer;
    struct written written = begin(shape, &writer);
    uint64_t bytes = trace_writer_bytes(writer);
    assert_null(trace_writer_close(writer));
    assert_int_equal(truncate(written.path, (off_t)bytes), 0);
    return written;
}

void remove_file(struct written *written) {
    unlink(written->path);
    free(written->events);
}

void assert_same_event(const struct mallow_trace_event *a, const struct mallow_trace_event *b,
                       uint64_t resolution) {
    struct mallow_trace_event left = *a, right = *b;
    left.time -= left.time % resolution;
    right.time -= right.time % resolution;
    assert_memory_equal(&left, &right, sizeof left);
}

uint8_t *read_bytes(const char *path, size_t *count) {
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *count = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*count + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *count, file), *count);
    fclose(file);
    return bytes;
}

void write_bytes(const char *path, const uint8_t *bytes, size_t count) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}
