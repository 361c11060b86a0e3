/* Functions for memory of a given length. */
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "check.h"

#define ELEMENT void
#define VALUE int
#define MEM(x) mem##x
#define MEM_BYTES(n) (n)
#include "memory_template.h"

ALIAS(__mempcpy, mempcpy)

/* ---- copies ---- */

EXPORT void bcopy(const void *from, void *to, size_t n) {
    check_move(HERE, to, from, n);
    REAL(bcopy)(from, to, n);
}

/* Copies up to and including the first byte with the value. */
EXPORT void *memccpy(void *to, const void *from, int value, size_t n) {
    size_t limit = min_size(n, limit_of(from));
    const char *found = REAL(memchr)(from, value, limit);
    size_t copied = found != NULL ? (size_t)(found - (const char *)from) + 1 : n;
    check_copy(HERE, to, from, copied);
    return REAL(memccpy)(to, from, value, n);
}

EXPORT void swab(const void *from, void *to, ssize_t n) {
    if (n > 1) check_move(HERE, to, from, (size_t)n & ~(size_t)1);
    REAL(swab)(from, to, n);
}

/* ---- fills ---- */

EXPORT void bzero(void *to, size_t n) {
    check_write(HERE, to, n);
    REAL(bzero)(to, n);
}
ALIAS(__bzero, bzero)

EXPORT void explicit_bzero(void *to, size_t n) {
    check_write(HERE, to, n);
    REAL(explicit_bzero)(to, n);
}

EXPORT void __explicit_bzero_chk(void *to, size_t n, size_t objsize) {
    check_write(HERE, to, n);
    REAL(__explicit_bzero_chk)(to, n, objsize);
}

CHECKED(void *, memfrob, (void *p, size_t n), (p, n), check_write(HERE, p, n))

/* ---- comparisons and searches ---- */

CHECKED(int, bcmp, (const void *a, const void *b, size_t n), (a, b, n),
        check_compare(HERE, a, b, n))

CHECKED(int, __memcmpeq, (const void *a, const void *b, size_t n), (a, b, n),
        check_compare(HERE, a, b, n))

/* The search stops at the byte. C allows n to exceed the object if the byte is found in it. */
static void check_find(struct site site, const void *p, int value, size_t n) {
    size_t limit = limit_for(site, p);
    if (n > limit && REAL(memchr)(p, value, limit) == NULL) check_fail(site, MALLOW_READ, p, n);
}

CHECKED(void *, memchr, (const void *p, int value, size_t n), (p, value, n),
        check_find(HERE, p, value, n))

EXPORT void *rawmemchr(const void *p, int value) {
    size_t limit = limit_of(p);
    if (limit != SIZE_MAX) check_find(HERE, p, value, limit + 1);
    return REAL(rawmemchr)(p, value);
}
ALIAS(__rawmemchr, rawmemchr)

CHECKED(void *, memrchr, (const void *p, int value, size_t n), (p, value, n),
        check_read(HERE, p, n))

EXPORT void *memmem(const void *p, size_t n, const void *needle, size_t length) {
    check_read(HERE, p, n);
    check_read(HERE, needle, length);
    return REAL(memmem)(p, n, needle, length);
}
