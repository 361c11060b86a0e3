/* Writes JSON. */
#ifndef MALLOW_JSON_H
#define MALLOW_JSON_H

#include <stddef.h>
#include <stdio.h>

/* Write the bytes as a JSON string to a stream or to standard output. U+FFFD replaces each byte
 * that is not part of UTF-8. */
void json_write_string(FILE *to, const char *bytes, size_t count);
void json_print_string(const char *bytes, size_t count);

#endif
