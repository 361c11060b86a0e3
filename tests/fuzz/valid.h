/* What the command prints is safe for a terminal, and its JSON is JSON. */
#ifndef FUZZ_VALID_H
#define FUZZ_VALID_H

#include <stdbool.h>
#include <stddef.h>

/* Nothing but newlines and tabs controls a terminal. */
bool is_printable(const char *text, size_t size);

/* One value in UTF-8, then a newline. */
bool is_json(const char *text, size_t size);

#endif
