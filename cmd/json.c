#include "json.h"

#include <stdio.h>

void json_print_string(const char *string) {
    if (string == NULL) {
        fputs("null", stdout);
        return;
    }
    putchar('"');
    for (; *string != '\0'; string++) {
        unsigned char c = (unsigned char)*string;
        if (c == '"' || c == '\\') putchar('\\');
        if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}
