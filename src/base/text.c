#include "base/text.h"

#include <string.h>

#include "base/numbers.h"

void text_flush(struct text *text) {
    text->sink(text->to, text->buffer, text->length);
    text->length = 0;
}

void text_add_bytes(struct text *text, const char *bytes, size_t count) {
    for (;;) {
        size_t part = min_size(count, text->size - text->length);
        memcpy(text->buffer + text->length, bytes, part);
        text->length += part;
        bytes += part;
        count -= part;
        if (count == 0 || text->sink == NULL) return;
        text_flush(text);
    }
}

void text_add(struct text *text, const char *string) {
    text_add_bytes(text, string, strlen(string));
}

void text_add_visible(struct text *text, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        text_add_bytes(text, bytes[i] >= ' ' && bytes[i] <= '~' ? bytes + i : "?", 1);
}

static void text_add_digits(struct text *text, uint64_t value, unsigned base, unsigned width) {
    char digits[24];
    unsigned at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (sizeof digits - at < width && at > 0) digits[--at] = ' ';
    text_add_bytes(text, digits + at, sizeof digits - at);
}

void text_add_number(struct text *text, uint64_t value) { text_add_digits(text, value, 10, 0); }

void text_add_column(struct text *text, uint64_t value, unsigned width) {
    text_add_digits(text, value, 10, width);
}

void text_add_count(struct text *text, uint64_t count, const char *noun) {
    text_add_number(text, count);
    text_add(text, " ");
    text_add(text, noun);
    if (count != 1) text_add(text, "s");
}

void text_add_hex(struct text *text, uint64_t value) {
    text_add(text, "0x");
    text_add_digits(text, value, 16, 0);
}

void text_add_bare_hex(struct text *text, uint64_t value) { text_add_digits(text, value, 16, 0); }
