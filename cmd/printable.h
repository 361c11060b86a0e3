/* Text from elsewhere, made safe for a terminal and for JSON. */
#ifndef MALLOW_PRINTABLE_H
#define MALLOW_PRINTABLE_H

#include <stddef.h>

/* The bytes of the UTF-8 character that the text begins with; 0 when it begins with none. */
size_t utf8_length(const char *text, size_t count);

/* Replaces each control character, except those in `kept`, by a question mark. All other bytes
 * stay, valid UTF-8 or not: names of files may be in any encoding. */
void make_printable(char *text, size_t count, const char *kept);

#endif
