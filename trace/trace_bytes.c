#include "trace_bytes.h"

char *trace_copy_text(const void *text, size_t count) {
    char *copy = malloc(count + 1);
    if (copy == NULL) return NULL;
    if (count != 0) memcpy(copy, text, count);
    copy[count] = '\0';
    return copy;
}
