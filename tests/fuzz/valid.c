/* Checks of the command's output, independent of the code under test. */
#include "valid.h"

#include <string.h>

/* Controls are bytes below 0x20, 0x7f, and C1 controls, as single bytes or as UTF-8. */
bool is_printable(const char *text, size_t size) {
    unsigned char before = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) return false;
        if (c >= 0x80 && c < 0xa0 && (before < 0x80 || before == 0xc2)) return false;
        before = c;
    }
    return true;
}

/* ---- JSON ---- */

struct reader {
    const unsigned char *at, *end;
};

static bool take(struct reader *r, int c) {
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_word(struct reader *r, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0) return false;
    r->at += length;
    return true;
}

static bool is_digit(int c) { return c >= '0' && c <= '9'; }

static bool take_digits(struct reader *r) {
    const unsigned char *begin = r->at;
    while (r->at < r->end && is_digit(*r->at)) r->at++;
    return r->at > begin;
}

static bool take_number(struct reader *r) {
    take(r, '-');
    const unsigned char *begin = r->at;
    if (!take_digits(r) || (*begin == '0' && r->at > begin + 1)) return false;
    if (take(r, '.') && !take_digits(r)) return false;
    if (!take(r, 'e')) return true;
    if (!take(r, '+')) take(r, '-');
    return take_digits(r);
}

/* The code point shows if the shortest form was used. */
static bool take_utf8(struct reader *r) {
    unsigned c = *r->at++;
    unsigned more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 9;
    static const unsigned number_min[] = {0, 0x80, 0x800, 0x10000};
    if (more == 9 || (size_t)(r->end - r->at) < more) return false;
    unsigned number = more == 0 ? c : c & (0x3fu >> more);
    for (unsigned i = 0; i < more; i++, r->at++) {
        if ((*r->at & 0xc0) != 0x80) return false;
        number = number << 6 | (*r->at & 0x3fu);
    }
    return number >= number_min[more] && number <= 0x10ffff && (number < 0xd800 || number > 0xdfff);
}

static bool take_escape(struct reader *r) {
    if (r->at == r->end) return false;
    if (*r->at != 'u') return strchr("\"\\/bfnrt", *r->at++) != NULL;
    r->at++;
    for (int i = 0; i < 4; i++, r->at++)
        if (r->at == r->end || strchr("0123456789abcdef", *r->at) == NULL) return false;
    return true;
}

static bool take_string(struct reader *r) {
    if (!take(r, '"')) return false;
    while (r->at < r->end && *r->at != '"') {
        if (*r->at < 0x20) return false;
        if (take(r, '\\') ? !take_escape(r) : !take_utf8(r)) return false;
    }
    return take(r, '"');
}

static bool take_value(struct reader *r);

static bool take_list(struct reader *r, int close, bool has_names) {
    if (take(r, close)) return true;
    do {
        if (has_names && (!take_string(r) || !take(r, ':'))) return false;
        if (!take_value(r)) return false;
    } while (take(r, ','));
    return take(r, close);
}

static bool take_value(struct reader *r) {
    if (take(r, '{')) return take_list(r, '}', true);
    if (take(r, '[')) return take_list(r, ']', false);
    if (r->at < r->end && *r->at == '"') return take_string(r);
    return take_word(r, "null") || take_word(r, "true") || take_word(r, "false") || take_number(r);
}

bool is_json(const char *text, size_t size) {
    struct reader r = {(const unsigned char *)text, (const unsigned char *)text + size};
    return take_value(&r) && take(&r, '\n') && r.at == r.end;
}
