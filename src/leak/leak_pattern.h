/* Suppressions in LeakSanitizer's format: lines "leak:PATTERN", and comments after "#". */
#ifndef MALLOW_LEAK_PATTERN_H
#define MALLOW_LEAK_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the text has the pattern anywhere in it; * in a pattern is anything, ^ at its beginning
 * and $ at its end are those of the text. */
bool leak_pattern_matches(const char *pattern, size_t length, const char *text, size_t text_length);

/* The pattern of a line, and its length: NULL, with *length 0 when the line says nothing and not 0
 * when it is wrong. */
const char *leak_pattern_of_line(const char *line, size_t line_length, size_t *length);

#endif
