/* Units of memory, and arithmetic on sizes. */
#ifndef MALLOW_NUMBERS_H
#define MALLOW_NUMBERS_H

#include <stddef.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

static inline size_t round_up(size_t n, size_t multiple) { /* multiple: a power of two */
    return (n + multiple - 1) & ~(multiple - 1);
}

static inline size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t max_size(size_t a, size_t b) { return a > b ? a : b; }

#endif
