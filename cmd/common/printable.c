#include "common/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool utf8_is_continuation(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/* Returns the length of a character by its first byte, or 0 if no character begins with that byte.
 */
static size_t utf8_expected_length(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return 2;
    if (first >= 0xe0 && first <= 0xef) return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* The second byte alone distinguishes overlong forms, surrogates and numbers above U+10FFFF from
 * valid characters. */
static bool utf8_is_second_byte(unsigned char first, unsigned char second) {
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

size_t utf8_length(const char *text, size_t count) {
    size_t length = count == 0 ? 0 : utf8_expected_length((unsigned char)*text);
    if (length > count) return 0;
    if (length > 1 && !utf8_is_second_byte((unsigned char)text[0], (unsigned char)text[1]))
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!utf8_is_continuation(text[i])) return 0;
    return length;
}

/* Returns true for the control characters C0, DEL and C1. C1 counts both as single bytes, which
 * 8-bit terminals obey, and as U+0080 to U+009F. A length of 0 means that the byte is not part of a
 * character. */
static bool printable_is_control(const char *character, size_t length) {
    unsigned char first = (unsigned char)character[0];
    if (length == 0) return first >= 0x80 && first < 0xa0;
    if (length == 2) return first == 0xc2 && (unsigned char)character[1] < 0xa0;
    return length == 1 && (first < 0x20 || first == 0x7f);
}

static bool printable_is_kept(char c, const char *kept) {
    return c != '\0' && strchr(kept, c) != NULL;
}

void make_printable(char *text, size_t count, const char *kept) {
    for (size_t i = 0, step; i < count; i += step) {
        size_t length = utf8_length(text + i, count - i);
        step = length == 0 ? 1 : length;
        if (printable_is_control(text + i, length) && !printable_is_kept(text[i], kept))
            memset(text + i, '?', step);
    }
}
