#include "leak/leak_pattern.h"

#include <string.h>

/* Returns the first occurrence of a part, which contains no *, or NULL. */
static const char *leak_pattern_find_part(const char *part, size_t length, const char *text,
                                          size_t text_length) {
    for (; text_length >= length; text++, text_length--)
        if (memcmp(part, text, length) == 0) return text;
    return NULL;
}

/* Matches each part between two * at its first occurrence after the previous part, but matches the
 * last part at the end of the text if the pattern ends with $. */
bool leak_pattern_matches(const char *pattern, size_t length, const char *text,
                          size_t text_length) {
    const char *end = text + text_length, *pattern_end = pattern + length;
    bool at_begin = length > 0 && *pattern == '^';
    bool at_end = length > 0 && pattern_end[-1] == '$';
    pattern += at_begin;
    pattern_end -= at_end && pattern_end > pattern;
    for (bool first = true;; first = false) {
        const char *star = memchr(pattern, '*', (size_t)(pattern_end - pattern));
        size_t part = (size_t)((star == NULL ? pattern_end : star) - pattern);
        if (part > (size_t)(end - text)) return false;
        const char *found = first && at_begin ? text
                            : star == NULL && at_end
                                ? end - part
                                : leak_pattern_find_part(pattern, part, text, (size_t)(end - text));
        if (found == NULL || memcmp(found, pattern, part) != 0) return false;
        text = found + part;
        if (star == NULL) return !at_end || text == end;
        pattern = star + 1;
    }
}

const char *leak_pattern_of_line(const char *line, size_t line_length, size_t *length) {
    static const char key[] = "leak:";
    const char *end = line + line_length;
    while (line < end && strchr(" \t", *line) != NULL) line++;
    while (end > line && strchr(" \t\r", end[-1]) != NULL) end--;
    *length = (size_t)(end - line);
    if (*length == 0 || *line == '#') return *length = 0, NULL;
    if (*length <= sizeof key - 1 || memcmp(line, key, sizeof key - 1) != 0) return NULL;
    *length -= sizeof key - 1;
    return line + sizeof key - 1;
}
