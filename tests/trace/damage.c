/* Trace files that are cut off or damaged: what is intact is read, and nothing else. */
#include "trace_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace_block.h"

static uint64_t seed = 88172645463325252;

static uint64_t any(uint64_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* Reads a damaged copy. Each event must be the one with its number. Returns how many there are. */
static size_t read_intact(const char *path, const struct written *written, unsigned flags) {
    struct mallow_trace *trace = mallow_trace_open(path, flags);
    const struct mallow_trace_event *event;
    size_t count = 0;
    while ((event = mallow_trace_next(trace)) != NULL) {
        uint64_t number = mallow_trace_position(trace) - 1;
        assert_true(number < written->count);
        assert_same_event(event, &written->events[number], 1000);
        count++;
    }
    assert_true(mallow_trace_error(trace) != NULL || mallow_trace_damage(trace) != NULL ||
                count == written->count);
    if (mallow_trace_error(trace) != NULL)
        assert_memory_equal(mallow_trace_error(trace), path, strlen(path));
    if (mallow_trace_damage(trace) != NULL)
        assert_memory_equal(mallow_trace_damage(trace), path, strlen(path));
    mallow_trace_close(trace);
    return count;
}

/* Returns how many events are in the first bytes of the file. */
static size_t synced_before(const struct written *written, uint64_t bytes) {
    size_t count = 0;
    for (size_t i = 0; i < written->syncs; i++)
        if (written->synced_bytes[i] <= bytes) count = written->synced_events[i];
    return count;
}

static void test_a_file_can_end_anywhere(void **state) {
    (void)state;
    struct written written = write_file(
        (struct shape){.seed = 1, .events = 160, .limit = 30, .sync = 40, .processes = 2});
    size_t size;
    uint8_t *bytes = read_bytes(written.path, &size);
    char copy[] = "/tmp/mallow-trace.XXXXXX";
    close(mkstemp(copy));
    for (size_t cut = 1; cut <= size; cut++) {
        write_bytes(copy, bytes, cut);
        assert_int_equal(read_intact(copy, &written, cut % 2), synced_before(&written, cut));
    }
    unlink(copy);
    free(bytes);
    remove_file(&written);
}

static void test_a_large_file_can_end_anywhere(void **state) {
    (void)state;
    struct written written = write_file((struct shape){.seed = 2,
                                                       .events = 300000,
                                                       .limit = 1000,
                                                       .sync = 3000,
                                                       .checkpoints = 100000,
                                                       .processes = 1});
    size_t size;
    uint8_t *bytes = read_bytes(written.path, &size);
    char copy[] = "/tmp/mallow-trace.XXXXXX";
    close(mkstemp(copy));
    for (unsigned i = 0; i < 30; i++) {
        size_t cut = any(size);
        write_bytes(copy, bytes, cut);
        if (cut == 0) continue;
        size_t count = read_intact(copy, &written, i % 2);
        assert_true(count >= synced_before(&written, cut));
    }
    unlink(copy);
    free(bytes);
    remove_file(&written);
}

/* Damage of one frame loses the events up to the next group, and no others. */
static void test_frames_after_a_damaged_one_are_read(void **state) {
    (void)state;
    struct written written = write_unfinished_file(
        (struct shape){.seed = 3, .events = 65536 * 3, .limit = 500, .sync = 8192, .processes = 1});
    size_t size;
    uint8_t *bytes = read_bytes(written.path, &size);
    char copy[] = "/tmp/mallow-trace.XXXXXX";
    close(mkstemp(copy));
    for (size_t frame = 1; frame < written.syncs; frame++) {
        uint64_t start = written.synced_bytes[frame - 1];
        uint64_t at = start + any(written.synced_bytes[frame] - start);
        bytes[at] ^= 0x40;
        write_bytes(copy, bytes, size);
        size_t in_group = frame % 8;
        assert_int_equal(read_intact(copy, &written, 0), written.count - (8 - in_group) * 8192);
        bytes[at] ^= 0x40;
    }
    unlink(copy);
    free(bytes);
    remove_file(&written);
}

static void test_damaged_bytes_are_noticed(void **state) {
    (void)state;
    struct written written = write_file((struct shape){
        .seed = 4, .events = 70000, .limit = 300, .sync = 5000, .checkpoints = 1, .processes = 2});
    size_t size;
    uint8_t *bytes = read_bytes(written.path, &size);
    uint8_t *damaged = malloc(size);
    char copy[] = "/tmp/mallow-trace.XXXXXX";
    close(mkstemp(copy));
    for (unsigned i = 0; i < 150; i++) {
        memcpy(damaged, bytes, size);
        for (uint64_t left = 1 + any(4); left-- > 0;) damaged[any(size)] = (uint8_t)any(256);
        write_bytes(copy, damaged, size);
        read_intact(copy, &written, i % 2);
    }
    unlink(copy);
    free(damaged);
    free(bytes);
    remove_file(&written);
}

/* ---- contents that contradict the format, with a right checksum ---- */

static void read_anything(const char *path) {
    struct mallow_trace *trace = mallow_trace_open(path, MALLOW_TRACE_LIVE);
    for (unsigned i = 0; i < 20000 && mallow_trace_next(trace) != NULL; i++) {
        mallow_trace_live_blocks(trace);
    }
    for (unsigned i = 0; i < 3; i++) {
        mallow_trace_seek(trace, any(mallow_trace_events(trace) + 2));
        mallow_trace_next(trace);
        mallow_trace_seek_time(trace, any(mallow_trace_duration(trace) + 2));
        mallow_trace_next(trace);
    }
    for (uint32_t i = 1; i <= mallow_trace_frames(trace); i++)
        assert_true(mallow_trace_frame(trace, i)->caller < i);
    mallow_trace_close(trace);
}

/* Replaces bytes in a block, and corrects its checksum. */
static void damage_block(uint8_t *bytes, size_t size) {
    size_t starts[256], count = 0;
    for (size_t at = 0; at + TRACE_HEAD_BYTES <= size && count < 256;) {
        struct trace_block_head head;
        if (!trace_block_read_head(bytes + at, &head)) break;
        starts[count++] = at;
        at += TRACE_HEAD_BYTES + head.length;
    }
    struct trace_block_head head;
    uint8_t *block = bytes + starts[any(count)];
    assert_true(trace_block_read_head(block, &head));
    for (uint64_t left = 1 + any(3); left-- > 0 && head.length != 0;)
        block[TRACE_HEAD_BYTES + any(any(2) == 0 && head.length > 40 ? 40 : head.length)] =
            (uint8_t)any(256);
    trace_block_seal(block, head.length, any(20) == 0 ? any(8) : head.type);
}

static void test_no_content_makes_the_reader_fail(void **state) {
    (void)state;
    struct written written = write_file((struct shape){
        .seed = 5, .events = 70000, .limit = 100, .sync = 900, .checkpoints = 1, .processes = 2});
    size_t size;
    uint8_t *bytes = read_bytes(written.path, &size);
    uint8_t *damaged = malloc(size);
    char copy[] = "/tmp/mallow-trace.XXXXXX";
    close(mkstemp(copy));
    const char *rounds = getenv("TRACE_ROUNDS");
    for (unsigned i = 0; i < (rounds == NULL ? 100 : (unsigned)atoi(rounds)); i++) {
        memcpy(damaged, bytes, size);
        for (uint64_t left = 1 + any(3); left-- > 0;) damage_block(damaged, size);
        write_bytes(copy, damaged, size);
        read_anything(copy);
    }
    unlink(copy);
    free(damaged);
    free(bytes);
    remove_file(&written);
}

/* ---- files that are no traces ---- */

static void assert_refused(const char *path, const char *reason) {
    struct mallow_trace *trace = mallow_trace_open(path, 0);
    assert_non_null(mallow_trace_error(trace));
    assert_memory_equal(mallow_trace_error(trace), path, strlen(path));
    if (strstr(mallow_trace_error(trace), reason) == NULL)
        fail_msg("'%s' does not contain '%s'", mallow_trace_error(trace), reason);
    assert_null(mallow_trace_next(trace));
    assert_false(mallow_trace_seek(trace, 0));
    mallow_trace_close(trace);
}

static void test_other_files_are_refused(void **state) {
    (void)state;
    char path[] = "/tmp/mallow-trace.XXXXXX";
    close(mkstemp(path));
    assert_refused("/nowhere/file", "cannot be opened: No such file");
    assert_refused("/tmp", "not a regular file");
    assert_refused(path, "is empty");
    write_bytes(path, (const uint8_t *)"MTRX", 4);
    assert_refused(path, "byte 0: is not a trace");
    struct written written = write_file((struct shape){.seed = 6, .limit = 10, .processes = 1});
    size_t size;
    uint8_t *bytes = read_bytes(written.path, &size);
    struct trace_block_head head;
    assert_true(trace_block_read_head(bytes, &head));
    bytes[TRACE_HEAD_BYTES] = TRACE_VERSION + 1;
    trace_block_seal(bytes, head.length, TRACE_BLOCK_FACTS);
    write_bytes(path, bytes, size);
    assert_refused(path, "newer version");
    free(bytes);
    unlink(path);
    remove_file(&written);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_can_end_anywhere),
        cmocka_unit_test(test_a_large_file_can_end_anywhere),
        cmocka_unit_test(test_frames_after_a_damaged_one_are_read),
        cmocka_unit_test(test_damaged_bytes_are_noticed),
        cmocka_unit_test(test_no_content_makes_the_reader_fail),
        cmocka_unit_test(test_other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
