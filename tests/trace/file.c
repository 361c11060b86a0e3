/* Trace files: what is written is read, from every place. */
#include "trace_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- events ---- */

static void assert_reads_all(const struct written *written, uint64_t resolution) {
    struct mallow_trace *trace = mallow_trace_open(written->path, 0);
    assert_null(mallow_trace_error(trace));
    assert_int_equal(mallow_trace_events(trace), written->count);
    for (size_t i = 0; i < written->count; i++) {
        assert_int_equal(mallow_trace_position(trace), i);
        const struct mallow_trace_event *event = mallow_trace_next(trace);
        assert_non_null(event);
        assert_same_event(event, &written->events[i], resolution);
    }
    assert_null(mallow_trace_next(trace));
    assert_null(mallow_trace_error(trace));
    assert_null(mallow_trace_damage(trace));
    mallow_trace_close(trace);
}

static void test_events_are_read_as_written(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        uint32_t resolution = seed % 2 == 0 ? 100 : 1000;
        struct written written = write_file((struct shape){.seed = seed,
                                                           .events = 150000,
                                                           .limit = seed * seed * 100,
                                                           .processes = 1 + (uint32_t)seed % 3,
                                                           .sync = seed % 3 * 777,
                                                           .resolution = resolution});
        assert_reads_all(&written, resolution);
        remove_file(&written);
    }
}

static void test_an_empty_trace_has_no_events(void **state) {
    (void)state;
    struct written written = write_file((struct shape){.processes = 1, .limit = 1});
    assert_reads_all(&written, 1);
    remove_file(&written);
}

/* The largest numbers, and addresses that no allocator returns. */
static void test_extreme_members_are_kept(void **state) {
    (void)state;
    struct mallow_trace_event events[400];
    struct written written = {.path = "/tmp/mallow-trace.XXXXXX", .events = events};
    struct trace_writer *writer =
        trace_writer_open(mkstemp(written.path),
                          &(struct mallow_trace_facts){
                              .allocator = "", .machine = "", .recorder = "", .resolution = 1});
    trace_writer_process(writer, &(struct mallow_trace_process){.program = "", .arguments = ""});
    trace_writer_thread(writer, &(struct mallow_trace_thread){.process = 1, .name = ""});
    for (size_t i = 0; i < 400; i++) {
        struct mallow_trace_event *event = &events[written.count++];
        uint64_t extreme = i % 3 == 0 ? UINT64_MAX - i : i % 3 == 1 ? (uint64_t)1 << i % 64 : i;
        *event = (struct mallow_trace_event){.thread = i % 2, .time = extreme};
        event->process = event->thread;
        event->kind = (uint8_t[]){MALLOW_TRACE_MALLOC, MALLOW_TRACE_FREE, MALLOW_TRACE_REALLOC,
                                  MALLOW_TRACE_MADVISE}[i / 2 % 4];
        event->size = extreme;
        event->address = extreme * 3 + 1;
        if (event->kind == MALLOW_TRACE_FREE) event->address = event->size = 0;
        if (i / 2 % 4 == 1 || i / 2 % 4 == 2) event->old_address = extreme * 5 + 3;
        if (event->kind != MALLOW_TRACE_MADVISE) continue;
        event->count = ~extreme;
        event->protection = event->flags = (uint32_t)extreme;
        event->error = (uint16_t)extreme;
    }
    for (size_t i = 0; i < written.count; i++) assert_true(trace_writer_add(writer, &events[i]));
    assert_null(trace_writer_close(writer));
    assert_reads_all(&written, 1);
    unlink(written.path);
}

/* ---- places ---- */

/* A simple set of live blocks. */
struct model {
    struct mallow_trace_block blocks[5000];
    size_t count;
};

static void model_apply(struct model *model, const struct mallow_trace_event *event,
                        uint64_t number) {
    bool is_allocation = mallow_trace_is_allocation(event->kind);
    if (event->old_address != 0 && (is_allocation || mallow_trace_is_free(event->kind)) &&
        event->error == 0)
        for (size_t i = 0; i < model->count; i++)
            if (model->blocks[i].address == event->old_address &&
                model->blocks[i].process == event->process)
                model->blocks[i--] = model->blocks[--model->count];
    if (!is_allocation || event->address == 0) return;
    model->blocks[model->count++] = (struct mallow_trace_block){.address = event->address,
                                                                .size = mallow_trace_bytes(event),
                                                                .time = event->time,
                                                                .event = number,
                                                                .thread = event->thread,
                                                                .process = event->process,
                                                                .stack = event->stack,
                                                                .kind = event->kind};
}

static void assert_same_blocks(const struct mallow_trace *trace, const struct model *model) {
    uint64_t bytes = 0;
    assert_int_equal(mallow_trace_live_blocks(trace), model->count);
    for (size_t i = 0; i < model->count; i++) {
        const struct mallow_trace_block *expected = &model->blocks[i];
        const struct mallow_trace_block *block =
            mallow_trace_live_block(trace, expected->process, expected->address);
        assert_non_null(block);
        assert_int_equal(block->size, expected->size);
        assert_int_equal(block->time, expected->time - expected->time % 1000);
        assert_int_equal(block->event, expected->event);
        assert_int_equal(block->thread, expected->thread);
        assert_int_equal(block->stack, expected->stack);
        assert_int_equal(block->kind, expected->kind);
        bytes += block->size;
    }
    assert_int_equal(mallow_trace_live_bytes(trace), bytes);
}

static void test_every_place_can_be_opened(void **state) {
    (void)state;
    struct written written = write_file((struct shape){.seed = 7,
                                                       .events = 400000,
                                                       .limit = 2000,
                                                       .sync = 5000,
                                                       .checkpoints = 100000,
                                                       .processes = 2});
    static struct model models[20];
    static size_t places[20];
    struct model *model = calloc(1, sizeof *model);
    for (size_t i = 0, place = 0; i < written.count && place < 20; i++) {
        if (i % 20983 == place * 3) { /* the first places are in one frame */
            places[place] = i;
            models[place++] = *model;
        }
        model_apply(model, &written.events[i], i);
    }
    free(model);
    struct mallow_trace *live = mallow_trace_open(written.path, MALLOW_TRACE_LIVE);
    struct mallow_trace *plain = mallow_trace_open(written.path, 0);
    for (size_t i = 0; i < 200; i++) {
        size_t place = i * i * 7 % 20;
        assert_true(mallow_trace_seek(live, places[place]));
        assert_true(mallow_trace_seek(plain, places[place]));
        assert_same_blocks(live, &models[place]);
        for (size_t next = places[place]; next < places[place] + i % 5; next++) {
            assert_int_equal(mallow_trace_position(live), next);
            assert_same_event(mallow_trace_next(live), &written.events[next], 1000);
            assert_same_event(mallow_trace_next(plain), &written.events[next], 1000);
        }
    }
    assert_null(mallow_trace_damage(live));
    mallow_trace_close(live);
    mallow_trace_close(plain);
    remove_file(&written);
}

static void test_times_can_be_searched(void **state) {
    (void)state;
    struct written written = write_file((struct shape){
        .seed = 8, .events = 200000, .limit = 500, .checkpoints = 1, .sync = 999, .processes = 1});
    struct mallow_trace *trace = mallow_trace_open(written.path, 0);
    for (size_t i = 0; i < 100; i++) {
        uint64_t place = i * 7919 % 100 * 1999, time = written.events[place].time / 1000 * 1000;
        assert_true(mallow_trace_seek_time(trace, time));
        uint64_t position = mallow_trace_position(trace);
        assert_true(position <= place && written.events[position].time >= time);
        assert_true(position == 0 || written.events[position - 1].time < time);
        assert_same_event(mallow_trace_next(trace), &written.events[position], 1000);
    }
    assert_true(mallow_trace_seek_time(trace, UINT64_MAX));
    assert_null(mallow_trace_next(trace));
    assert_true(mallow_trace_seek(trace, written.count + 5));
    assert_null(mallow_trace_next(trace));
    assert_true(mallow_trace_seek(trace, 0));
    assert_same_event(mallow_trace_next(trace), &written.events[0], 1000);
    mallow_trace_close(trace);
    remove_file(&written);
}

/* ---- processes ---- */

static void add(struct trace_writer *writer, uint8_t kind, uint32_t thread, uint64_t address,
                uint64_t count) {
    struct mallow_trace_event event = {
        .kind = kind, .thread = thread, .address = address, .size = 8, .count = count};
    if (mallow_trace_is_free(kind)) event.old_address = address, event.address = 0;
    assert_true(trace_writer_add(writer, &event));
}

static void test_a_fork_copies_the_blocks(void **state) {
    (void)state;
    char path[] = "/tmp/mallow-trace.XXXXXX";
    struct trace_writer *writer = trace_writer_open(
        mkstemp(path),
        &(struct mallow_trace_facts){.allocator = "", .machine = "", .recorder = ""});
    for (uint32_t i = 1; i <= 3; i++) {
        trace_writer_process(
            writer, &(struct mallow_trace_process){
                        .parent = i - 1, .is_fork = i == 2, .program = "", .arguments = ""});
        trace_writer_thread(writer, &(struct mallow_trace_thread){.process = i, .name = ""});
    }
    for (uint64_t i = 1; i <= 5000; i++) add(writer, MALLOW_TRACE_MALLOC, 1, i * 16, 0);
    add(writer, MALLOW_TRACE_FORK, 1, 0, 2);
    for (uint64_t i = 1; i <= 1000; i++) add(writer, MALLOW_TRACE_FREE, 1, i * 16, 0);
    add(writer, MALLOW_TRACE_FREE, 2, 5000 * 16, 0);
    add(writer, MALLOW_TRACE_EXEC, 2, 0, 3);
    add(writer, MALLOW_TRACE_MALLOC, 3, 16, 0);
    add(writer, MALLOW_TRACE_EXIT, 1, 0, 0);
    assert_null(trace_writer_close(writer));
    struct mallow_trace *trace = mallow_trace_open(path, MALLOW_TRACE_LIVE);
    const uint64_t places[] = {5001, 6001, 6003, 6004, 6005};
    const uint64_t live[] = {10000, 9000, 4000, 4001, 1};
    for (unsigned i = 0; i < 5; i++) {
        assert_true(mallow_trace_seek(trace, places[i]));
        assert_int_equal(mallow_trace_live_blocks(trace), live[i]);
        assert_int_equal(mallow_trace_live_bytes(trace), live[i] * 8);
    }
    assert_non_null(mallow_trace_live_block(trace, 3, 16));
    mallow_trace_close(trace);
    unlink(path);
}

/* ---- tables ---- */

static void test_tables_are_read_as_written(void **state) {
    (void)state;
    char path[] = "/tmp/mallow-trace.XXXXXX";
    struct trace_writer *writer =
        trace_writer_open(mkstemp(path), &(struct mallow_trace_facts){.allocator = "glibc",
                                                                      .machine = "box",
                                                                      .recorder = "me",
                                                                      .start = 99,
                                                                      .page_size = 16384,
                                                                      .processors = 3,
                                                                      .has_stacks = true});
    struct mallow_trace_process process = {.pid = 5, .program = "/a", .arguments = ""};
    assert_int_equal(trace_writer_process(writer, &process), 1);
    process = (struct mallow_trace_process){.pid = 6,
                                            .parent = 1,
                                            .is_fork = true,
                                            .program = "/b",
                                            .arguments = "b\0c",
                                            .arguments_bytes = 4};
    assert_int_equal(trace_writer_process(writer, &process), 2);
    process =
        (struct mallow_trace_process){.pid = 6, .parent = 2, .program = "/c", .arguments = ""};
    assert_int_equal(trace_writer_process(writer, &process), 3);
    struct mallow_trace_thread thread = {.process = 2, .tid = 7, .name = "old"};
    assert_int_equal(trace_writer_thread(writer, &thread), 1);
    struct mallow_trace_module module = {.process = 1,
                                         .start = 0x1000,
                                         .end = 0x9000,
                                         .offset = 0x200,
                                         .path = "/lib",
                                         .id = (const uint8_t *)"\1\0\2",
                                         .id_bytes = 3};
    assert_int_equal(trace_writer_module(writer, &module), 1);
    uint32_t outer = trace_writer_frame(writer, 1, 0, 0x1100);
    uint32_t inner = trace_writer_frame(writer, 1, outer, 0x8fff);
    assert_int_equal(trace_writer_frame(writer, 2, outer, 0x8fff), inner); /* the fork shares it */
    uint32_t other = trace_writer_frame(writer, 3, outer, 0x8fff); /* the new program does not */
    assert_int_not_equal(other, inner);
    assert_true(trace_writer_sync(writer));
    module.start = 0x8000; /* the program has loaded another file there */
    assert_int_equal(trace_writer_module(writer, &module), 2);
    uint32_t replaced = trace_writer_frame(writer, 1, outer, 0x8fff);
    assert_true(trace_writer_name_thread(writer, 1, "new"));
    for (uint32_t i = 0; i < 3000; i++) trace_writer_frame(writer, 1, i, 0x1200 - i);
    assert_int_equal(trace_writer_frame(writer, 1, 2999, 0x1200 - 2999), replaced + 3000);
    assert_null(trace_writer_close(writer));

    struct mallow_trace *trace = mallow_trace_open(path, 0);
    assert_null(mallow_trace_error(trace));
    const struct mallow_trace_facts *facts = mallow_trace_get_facts(trace);
    assert_string_equal(facts->allocator, "glibc");
    assert_string_equal(facts->machine, "box");
    assert_string_equal(facts->recorder, "me");
    assert_int_equal(facts->start, 99);
    assert_int_equal(facts->page_size, 16384);
    assert_int_equal(facts->processors, 3);
    assert_true(facts->has_stacks);
    assert_int_equal(mallow_trace_processes(trace), 3);
    assert_int_equal(mallow_trace_process(trace, 2)->parent, 1);
    assert_true(mallow_trace_process(trace, 2)->is_fork);
    assert_memory_equal(mallow_trace_process(trace, 2)->arguments, "b\0c", 4);
    assert_null(mallow_trace_process(trace, 4));
    assert_string_equal(mallow_trace_thread(trace, 1)->name, "new");
    assert_int_equal(mallow_trace_modules(trace), 2);
    assert_memory_equal(mallow_trace_module(trace, 1)->id, "\1\0\2", 3);
    assert_int_equal(mallow_trace_frame(trace, inner)->pc, 0x8fff);
    assert_int_equal(mallow_trace_frame(trace, inner)->caller, outer);
    assert_int_equal(mallow_trace_frame(trace, inner)->module, 1);
    assert_int_equal(mallow_trace_frame(trace, other)->module, 0);
    assert_int_equal(mallow_trace_frame(trace, replaced)->module, 2);
    assert_null(mallow_trace_frame(trace, 0));
    mallow_trace_close(trace);
    unlink(path);
}

static void test_a_full_disk_is_reported(void **state) {
    (void)state;
    struct mallow_trace_facts facts = {.allocator = "", .machine = "", .recorder = ""};
    struct trace_writer *writer = trace_writer_create("/dev/full", &facts);
    assert_non_null(strstr(trace_writer_error(writer), "No space left"));
    assert_int_equal(trace_writer_process(
                         writer, &(struct mallow_trace_process){.program = "", .arguments = ""}),
                     0);
    assert_false(trace_writer_sync(writer));
    char *error = trace_writer_close(writer);
    assert_non_null(error);
    free(error);
    writer = trace_writer_create("/nowhere/file", &facts);
    assert_non_null(strstr(trace_writer_error(writer), "/nowhere/file: No such file"));
    free(trace_writer_close(writer));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_are_read_as_written),
        cmocka_unit_test(test_an_empty_trace_has_no_events),
        cmocka_unit_test(test_extreme_members_are_kept),
        cmocka_unit_test(test_every_place_can_be_opened),
        cmocka_unit_test(test_times_can_be_searched),
        cmocka_unit_test(test_a_fork_copies_the_blocks),
        cmocka_unit_test(test_tables_are_read_as_written),
        cmocka_unit_test(test_a_full_disk_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
