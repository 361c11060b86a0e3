/* Writes JSON to standard output. */
#ifndef MALLOW_JSON_H
#define MALLOW_JSON_H

#include <stddef.h>

/* Prints the bytes as a JSON string; U+FFFD replaces each byte that is not part of UTF-8. */
void json_print_string(const char *bytes, size_t count);

#endif
