#include "common/json.h"

#include <stdio.h>

#include "common/printable.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void json_write_string(FILE *to, const char *bytes, size_t count) {
    putc('"', to);
    for (size_t step; count > 0; bytes += step, count -= step) {
        size_t length = utf8_length(bytes, count);
        unsigned char c = (unsigned char)*bytes;
        step = length == 0 ? 1 : length;
        if (length == 0) {
            fputs(REPLACEMENT, to);
        } else if (c < 0x20 || c == 0x7f) {
            fprintf(to, "\\u%04x", c);
        } else {
            if (c == '"' || c == '\\') putc('\\', to);
            fwrite(bytes, 1, length, to);
        }
    }
    putc('"', to);
}

void json_print_string(const char *bytes, size_t count) { json_write_string(stdout, bytes, count); }
