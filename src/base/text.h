/* Builds text without allocating: a line in one buffer, or longer text that a sink receives in
 * pieces. A text belongs to one thread. */
#ifndef MALLOW_TEXT_H
#define MALLOW_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
    char *buffer;
    size_t size, length;
    /* Receives the buffer whenever it is full; NULL: text that does not fit is cut off. */
    void (*sink)(void *to, const char *bytes, size_t count);
    void *to;
};

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t count);
/* Adds untrusted text. Bytes that are not printable ASCII become question marks, so that they
 * cannot end the line or control a terminal. */
void text_add_visible(struct text *text, const char *bytes, size_t count);
void text_add_number(struct text *text, uint64_t value);
/* Adds a number and a noun: "1 block", "2 blocks". */
void text_add_count(struct text *text, uint64_t count, const char *noun);
void text_add_hex(struct text *text, uint64_t value);      /* 0x... */
void text_add_bare_hex(struct text *text, uint64_t value); /* without 0x */

/* Adds a number, right-aligned in `width` columns. */
void text_add_column(struct text *text, uint64_t value, unsigned width);

/* Passes the rest of the buffer to the sink, which must not be NULL. */
void text_flush(struct text *text);

#endif
