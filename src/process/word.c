#include "process/word.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "os/os.h"

bool word_is(struct word w, const char *text) {
    return strlen(text) == w.length && memcmp(w.text, text, w.length) == 0;
}

struct word word_skip(struct word w, size_t count) {
    return (struct word){w.text + count, w.length - count};
}

static bool word_is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

struct word word_trim(struct word w) {
    while (w.length > 0 && word_is_space(w.text[0])) w = word_skip(w, 1);
    while (w.length > 0 && word_is_space(w.text[w.length - 1])) w.length--;
    return w;
}

bool word_find(struct word w, const char *list, size_t *place) {
    for (size_t i = 0;; i++) {
        const char *bar = strchr(list, '|');
        size_t length = bar == NULL ? strlen(list) : (size_t)(bar - list);
        if (length == w.length && memcmp(w.text, list, length) == 0) {
            *place = i;
            return true;
        }
        if (bar == NULL) return false;
        list = bar + 1;
    }
}

/* ---- numbers ---- */

static bool word_parse_digits(struct word w, size_t base, size_t *value) {
    *value = 0;
    for (size_t i = 0; i < w.length; i++) {
        char c = (char)(w.text[i] | 32);
        size_t digit = w.text[i] >= '0' && w.text[i] <= '9' ? (size_t)(w.text[i] - '0')
                       : base == 16 && c >= 'a' && c <= 'f' ? (size_t)(c - 'a' + 10)
                                                            : base;
        if (digit >= base) {
            unsigned shift = c == 'k' ? 10 : c == 'm' ? 20 : c == 'g' ? 30 : 0;
            if (shift == 0 || i + 1 != w.length || i == 0) return false;
            return !__builtin_mul_overflow(*value, (size_t)1 << shift, value);
        }
        if (__builtin_mul_overflow(*value, base, value) ||
            __builtin_add_overflow(*value, digit, value))
            return false;
    }
    return w.length > 0;
}

static bool word_is_hexadecimal(struct word w) {
    return w.length > 2 && w.text[0] == '0' && (w.text[1] | 32) == 'x';
}

bool word_parse_number(struct word w, size_t *value) {
    return word_is_hexadecimal(w) ? word_parse_digits(word_skip(w, 2), 16, value)
                                  : word_parse_digits(w, 10, value);
}

bool word_parse_libc_number(struct word w, size_t *value) {
    bool negative = w.length > 1 && w.text[0] == '-';
    struct word digits = word_skip(w, negative);
    bool octal = digits.length > 1 && digits.text[0] == '0' && !word_is_hexadecimal(digits);
    if (!(octal ? word_parse_digits(digits, 8, value) : word_parse_number(digits, value)))
        return false;
    if (negative) *value = -*value;
    return true;
}

/* ---- paths ---- */

const char *word_copy_path(struct word w, char path[WORD_PATH_ROOM]) {
    if (w.length == 0) return "no path is given";
    if (w.length >= WORD_PATH_ROOM) return "the path is too long";
    memcpy(path, w.text, w.length);
    path[w.length] = '\0';
    return NULL;
}

const char *word_expand_path(struct word w, char path[WORD_PATH_ROOM]) {
    struct text t = {.buffer = path, .size = WORD_PATH_ROOM};
    if (w.length == 0) return "no path is given";
    for (size_t i = 0; i < w.length; i++) {
        bool escape = w.text[i] == '%' && i + 1 < w.length;
        if (escape && w.text[i + 1] == 'p')
            text_add_number(&t, (uint64_t)os_process_id());
        else
            text_add_bytes(&t, w.text + i, 1);
        i += escape && (w.text[i + 1] == 'p' || w.text[i + 1] == '%');
    }
    if (t.length == t.size) return "the path is too long";
    path[t.length] = '\0';
    return NULL;
}
