#include "json.h"

#include <stdio.h>

void json_print_string(const char *bytes, size_t count) {
    putchar('"');
    for (const char *end = bytes + count; bytes != end; bytes++) {
        unsigned char c = (unsigned char)*bytes;
        if (c == '"' || c == '\\') putchar('\\');
        if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}
