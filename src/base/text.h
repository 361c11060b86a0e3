/* Text put together without allocation: a line that is written at once, or longer text that goes to
 * where it belongs in pieces. */
#ifndef MALLOW_TEXT_H
#define MALLOW_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
    char *buffer;
    size_t size, length;
    /* Takes the buffer whenever it is full; NULL: what does not fit is cut off. */
    void (*sink)(void *to, const char *bytes, size_t count);
    void *to;
};

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t count);
/* What came from outside: a byte that is no printable character of ASCII becomes a question mark,
 * so that it cannot end the line or steer a terminal. */
void text_add_visible(struct text *text, const char *bytes, size_t count);
void text_add_number(struct text *text, uint64_t value);
/* "1 block", "2 blocks" */
void text_add_count(struct text *text, uint64_t count, const char *noun);
void text_add_hex(struct text *text, uint64_t value);      /* 0x... */
void text_add_bare_hex(struct text *text, uint64_t value); /* without 0x */

/* Right-aligned in `width` columns. */
void text_add_column(struct text *text, uint64_t value, unsigned width);

/* Hands the sink what it has not got yet. */
void text_flush(struct text *text);

#endif
