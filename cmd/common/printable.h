/* Makes text from untrusted sources safe for a terminal and for JSON. */
#ifndef MALLOW_PRINTABLE_H
#define MALLOW_PRINTABLE_H

#include <stddef.h>

/* Returns the length of the UTF-8 character at the beginning of the text, or 0 if there is none. */
size_t utf8_length(const char *text, size_t count);

/* Replaces the bytes of each control character, except those in `kept`, by question marks. All
 * other bytes stay, whether or not they are valid UTF-8: file names can be in any encoding. */
void make_printable(char *text, size_t count, const char *kept);

#endif
