/* Text has numbers in the format of printf, drops what does not fit, and passes full buffers to a
 * sink. */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "report/log.h"

static const uint64_t numbers[] = {0, 1, 9, 10, 15, 16, 99, 100, 4096, INT64_MAX, UINT64_MAX};

/* A text with its buffer, and a byte after the buffer that shows overflows. */
struct line {
    struct text text;
    char buffer[64];
    char after;
};

static void begin(struct line *line, size_t size) {
    line->text = (struct text){.buffer = line->buffer, .size = size};
    memset(line->buffer, '~', sizeof(line->buffer));
    line->after = '~';
}

static void assert_holds(const struct line *line, const char *expected) {
    assert_int_equal(line->text.length, strlen(expected));
    assert_memory_equal(line->buffer, expected, strlen(expected));
    for (const char *c = line->buffer + line->text.size; c <= &line->after; c++)
        assert_int_equal(*c, '~');
}

static void numbers_are_printed_like_printf(void **state) {
    (void)state;
    struct line line;
    char expected[64];
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        begin(&line, sizeof(line.buffer));
        text_add_number(&line.text, numbers[i]);
        snprintf(expected, sizeof(expected), "%" PRIu64, numbers[i]);
        assert_holds(&line, expected);

        begin(&line, sizeof(line.buffer));
        text_add_hex(&line.text, numbers[i]);
        snprintf(expected, sizeof(expected), "0x%" PRIx64, numbers[i]);
        assert_holds(&line, expected);

        begin(&line, sizeof(line.buffer));
        text_add_column(&line.text, numbers[i], 10);
        snprintf(expected, sizeof(expected), "%10" PRIu64, numbers[i]);
        assert_holds(&line, expected);
    }
}

static void one_is_no_plural(void **state) {
    (void)state;
    struct line line;
    begin(&line, sizeof(line.buffer));
    for (uint64_t count = 0; count <= 11; count += count == 1 ? 10 : 1)
        text_add_count(&line.text, count, "block");
    assert_holds(&line, "0 blocks1 block11 blocks");
}

static void parts_are_put_together(void **state) {
    (void)state;
    struct line line;
    begin(&line, sizeof(line.buffer));
    text_add(&line.text, "");
    text_add(&line.text, "slot ");
    text_add_number(&line.text, 3);
    text_add_bytes(&line.text, ", freed", 1);
    assert_holds(&line, "slot 3,");
}

static void excess_text_is_cut_off(void **state) {
    (void)state;
    struct line line;
    begin(&line, 10);
    text_add(&line.text, "12345678");
    text_add_number(&line.text, 9876543210);
    assert_holds(&line, "1234567898");
    text_add(&line.text, "more");
    text_add_hex(&line.text, UINT64_MAX);
    assert_holds(&line, "1234567898");
}

/* Checks the bytes that log_line writes for a buffer of ten bytes that holds `content`. */
static void assert_writes(const char *content, const char *expected) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_use(ends[1]);
    struct line line;
    begin(&line, 10);
    text_add(&line.text, content);
    log_line(&line.text);
    close(ends[1]);
    assert_holds(&line, "");

    char written[64] = "";
    assert_int_equal(read(ends[0], written, sizeof(written)), strlen(expected));
    assert_string_equal(written, expected);
    close(ends[0]);
}

static void a_line_ends_with_a_newline(void **state) {
    (void)state;
    assert_writes("", "\n");
    assert_writes("12345678", "12345678\n");
    assert_writes("123456789", "123456789\n");
    assert_writes("1234567890", "123456789\n");
}

/* The bytes that the sink has received, and the number of pieces. */
static struct {
    char bytes[64];
    size_t length, pieces;
} sunk;

static void sink(void *to, const char *bytes, size_t count) {
    assert_ptr_equal(to, &sunk);
    memcpy(sunk.bytes + sunk.length, bytes, count);
    sunk.length += count;
    sunk.pieces++;
}

static void a_sink_gets_all_in_pieces(void **state) {
    (void)state;
    struct line line;
    begin(&line, 4);
    line.text.sink = sink;
    line.text.to = &sunk;
    text_add(&line.text, "0123456789");
    text_add_number(&line.text, 1234);
    assert_int_equal(sunk.pieces, 3);
    text_flush(&line.text);
    assert_int_equal(sunk.pieces, 4);
    assert_int_equal(sunk.length, 14);
    assert_memory_equal(sunk.bytes, "01234567891234", 14);
    assert_holds(&line, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_printed_like_printf),
        cmocka_unit_test(one_is_no_plural),
        cmocka_unit_test(parts_are_put_together),
        cmocka_unit_test(excess_text_is_cut_off),
        cmocka_unit_test(a_line_ends_with_a_newline),
        cmocka_unit_test(a_sink_gets_all_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
