/*
 * What a function is about to do to memory, said before it does it:
 *
 *     void *memcpy(void *to, const void *from, size_t n) {
 *         check_write(HERE, to, n);
 *         check_read(HERE, from, n);
 *         ...
 *
 * What does not fit its block is reported. Unless that ends the program, libc's function then does
 * what it does.
 */
#ifndef MALLOW_BOUNDS_CHECK_H
#define MALLOW_BOUNDS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../src/check/bounds.h"
#include "libc.h"

extern __typeof__(mallow_check_limit) mallow_check_limit __attribute__((weak));
extern __typeof__(mallow_check_failed) mallow_check_failed __attribute__((weak));
extern __typeof__(mallow_check_begin) mallow_check_begin __attribute__((weak));

/* The function that the program called, and where it did. */
struct site {
    const char *function;
    const void *caller;
};
#define HERE ((struct site){__func__, __builtin_return_address(0)})

void check_fail(struct site site, enum mallow_access access, const void *p, size_t bytes);
void check_fail_overlap(struct site site, const void *to, const void *from, size_t bytes);

/* Bytes from p to the end of its block; SIZE_MAX when it is in none, or when the allocator itself
 * has called the function. */
static inline size_t limit_for(struct site site, const void *p) {
    return mallow_check_limit != NULL ? mallow_check_limit(p, site.caller) : SIZE_MAX;
}

/* In a function that the program calls. */
#define limit_of(p) limit_for(HERE, p)

static inline void check_read(struct site site, const void *p, size_t bytes) {
    if (bytes > limit_for(site, p)) check_fail(site, MALLOW_READ, p, bytes);
}

static inline void check_write(struct site site, const void *p, size_t bytes) {
    if (bytes > limit_for(site, p)) check_fail(site, MALLOW_WRITE, p, bytes);
}

/* To the place that they are at already is harmless, and compilers do it themselves. */
static inline void check_overlap(struct site site, const void *to, const void *from, size_t bytes) {
    uintptr_t a = (uintptr_t)to, b = (uintptr_t)from;
    if (a != b && (a - b < bytes || b - a < bytes)) check_fail_overlap(site, to, from, bytes);
}

/* Bytes of an array; SIZE_MAX when there are no such arrays. */
static inline size_t array_bytes(size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes;
}

/* The name of a function's variant that _FORTIFY_SOURCE calls. */
#define CHK(name) CHK_NAMED(name)
#define CHK_NAMED(name) __##name##_chk

/* Defines a function that makes a check, and then leaves the work to libc's function. `arguments`
 * are the parameters' names. */
#define CHECKED(type, name, parameters, arguments, check) \
    EXPORT type name parameters {                         \
        check;                                            \
        return REAL(name) arguments;                      \
    }

static inline size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

#endif
