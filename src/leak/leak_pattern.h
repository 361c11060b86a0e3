/* Suppressions in LeakSanitizer's format: lines "leak:PATTERN", and comments after "#". */
#ifndef MALLOW_LEAK_PATTERN_H
#define MALLOW_LEAK_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* Returns true if the pattern occurs in the text. In a pattern, * matches any text; ^ at its
 * beginning and $ at its end match the beginning and the end of the text. */
bool leak_pattern_matches(const char *pattern, size_t length, const char *text, size_t text_length);

/* Returns the pattern of a line and stores its length in *length. Returns NULL if the line has no
 * pattern; *length is then 0 if the line is empty or a comment, and not 0 if it is invalid. */
const char *leak_pattern_of_line(const char *line, size_t line_length, size_t *length);

#endif
