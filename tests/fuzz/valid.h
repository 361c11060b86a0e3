/* The command's output is safe for a terminal, and its JSON is valid. */
#ifndef FUZZ_VALID_H
#define FUZZ_VALID_H

#include <stdbool.h>
#include <stddef.h>

/* Returns true if the text has no control characters other than newlines and tabs. */
bool is_printable(const char *text, size_t size);

/* Returns true if the text is one JSON value in UTF-8, followed by a newline. */
bool is_json(const char *text, size_t size);

#endif
