/* Text that only secrets contain. The program computes it, so that its file and its stack do not
 * contain it. */
#ifndef MARKER_H
#define MARKER_H

#include <stdbool.h>
#include <stddef.h>

enum { MARKER_BYTES = 32 };

static volatile unsigned char marker_seed = 0x5a;

/* Each `kind` has its own marker. */
static inline unsigned char marker_byte(unsigned kind, size_t i) {
    return (unsigned char)((i * 37 + kind * 101 + 11) ^ (i >> 2) ^ marker_seed);
}

static inline void write_marker(void *p, unsigned kind) {
    for (size_t i = 0; i < MARKER_BYTES; i++)
        ((volatile unsigned char *)p)[i] = marker_byte(kind, i);
}

static inline bool is_marker(const void *p, unsigned kind) {
    const volatile unsigned char *at = p;
    for (size_t i = 0; i < MARKER_BYTES; i++)
        if (at[i] != marker_byte(kind, i)) return false;
    return true;
}

static inline bool contains_marker(const void *p, size_t bytes, unsigned kind) {
    const unsigned char *at = p;
    unsigned char first = marker_byte(kind, 0);
    for (size_t i = 0; i + MARKER_BYTES <= bytes; i++)
        if (at[i] == first && is_marker(at + i, kind)) return true;
    return false;
}

#endif
