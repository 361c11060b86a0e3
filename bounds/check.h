/*
 * Checks the memory that a function is about to read or write:
 *
 *     void *memcpy(void *to, const void *from, size_t n) {
 *         check_write(HERE, to, n);
 *         check_read(HERE, from, n);
 *         ...
 *
 * An access that exceeds its block is reported. If the report does not end the program, libc's
 * function is called nevertheless.
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

/* The function that the program has called, and the return address of the call. */
struct site {
    const char *function;
    const void *caller;
};
#define HERE ((struct site){__func__, __builtin_return_address(0)})

void check_fail(struct site site, enum mallow_access access, const void *p, size_t bytes);
void check_fail_overlap(struct site site, const void *to, const void *from, size_t bytes);

/* Returns the number of bytes from p to the end of its block. Returns SIZE_MAX if p is in no block,
 * or if the allocator itself has called the function. */
static inline size_t limit_for(struct site site, const void *p) {
    return mallow_check_limit != NULL ? mallow_check_limit(p, site.caller) : SIZE_MAX;
}

/* Like limit_for(), in a function that the program calls. */
#define limit_of(p) limit_for(HERE, p)

static inline void check_read(struct site site, const void *p, size_t bytes) {
    if (bytes > limit_for(site, p)) check_fail(site, MALLOW_READ, p, bytes);
}

static inline void check_write(struct site site, const void *p, size_t bytes) {
    if (bytes > limit_for(site, p)) check_fail(site, MALLOW_WRITE, p, bytes);
}

/* Copying bytes onto themselves is harmless, and compilers generate such copies. */
static inline void check_overlap(struct site site, const void *to, const void *from, size_t bytes) {
    uintptr_t a = (uintptr_t)to, b = (uintptr_t)from;
    if (a != b && (a - b < bytes || b - a < bytes)) check_fail_overlap(site, to, from, bytes);
}

/* Returns the size of an array in bytes, or SIZE_MAX if it would overflow. */
static inline size_t array_bytes(size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes;
}

/* The name of the variant of a function that _FORTIFY_SOURCE calls. */
#define CHK(name) CHK_NAMED(name)
#define CHK_NAMED(name) __##name##_chk

/* Defines a function that makes a check and then calls libc's function. `arguments` are the names
 * of the parameters, in parentheses. */
#define CHECKED(type, name, parameters, arguments, check) \
    EXPORT type name parameters {                         \
        check;                                            \
        return REAL(name) arguments;                      \
    }

static inline size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

#endif
