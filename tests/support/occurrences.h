/* Counts how often a text contains another one. */
#ifndef OCCURRENCES_H
#define OCCURRENCES_H

#include <stddef.h>
#include <string.h>

static inline size_t count_occurrences(const char *text, const char *of) {
    size_t count = 0;
    for (; (text = strstr(text, of)) != NULL; text++) count++;
    return count;
}

#endif
