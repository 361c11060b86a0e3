/* Memory of a given length. */
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "check.h"

/* ---- copies ---- */

static void check_move(struct site site, const void *to, const void *from, size_t n) {
    check_write(site, to, n);
    check_read(site, from, n);
}

static void check_copy(struct site site, const void *to, const void *from, size_t n) {
    check_move(site, to, from, n);
    check_overlap(site, to, from, n);
}

EXPORT void *memcpy(void *to, const void *from, size_t n) {
    check_copy(HERE, to, from, n);
    return REAL(memcpy)(to, from, n);
}

EXPORT void *__memcpy_chk(void *to, const void *from, size_t n, size_t size) {
    check_copy(HERE, to, from, n);
    return REAL(__memcpy_chk)(to, from, n, size);
}

EXPORT void *mempcpy(void *to, const void *from, size_t n) {
    check_copy(HERE, to, from, n);
    return REAL(mempcpy)(to, from, n);
}
ALIAS(__mempcpy, mempcpy)

EXPORT void *__mempcpy_chk(void *to, const void *from, size_t n, size_t size) {
    check_copy(HERE, to, from, n);
    return REAL(__mempcpy_chk)(to, from, n, size);
}

EXPORT void *memmove(void *to, const void *from, size_t n) {
    check_move(HERE, to, from, n);
    return REAL(memmove)(to, from, n);
}

EXPORT void *__memmove_chk(void *to, const void *from, size_t n, size_t size) {
    check_move(HERE, to, from, n);
    return REAL(__memmove_chk)(to, from, n, size);
}

EXPORT void bcopy(const void *from, void *to, size_t n) {
    check_move(HERE, to, from, n);
    REAL(bcopy)(from, to, n);
}

/* It stops behind the byte. */
EXPORT void *memccpy(void *to, const void *from, int value, size_t n) {
    size_t limit = lesser(n, limit_of(from));
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

EXPORT void *memset(void *to, int value, size_t n) {
    check_write(HERE, to, n);
    return REAL(memset)(to, value, n);
}

EXPORT void *__memset_chk(void *to, int value, size_t n, size_t size) {
    check_write(HERE, to, n);
    return REAL(__memset_chk)(to, value, n, size);
}

EXPORT void bzero(void *to, size_t n) {
    check_write(HERE, to, n);
    REAL(bzero)(to, n);
}
ALIAS(__bzero, bzero)

EXPORT void explicit_bzero(void *to, size_t n) {
    check_write(HERE, to, n);
    REAL(explicit_bzero)(to, n);
}

EXPORT void __explicit_bzero_chk(void *to, size_t n, size_t size) {
    check_write(HERE, to, n);
    REAL(__explicit_bzero_chk)(to, n, size);
}

EXPORT void *memfrob(void *p, size_t n) {
    check_write(HERE, p, n);
    return REAL(memfrob)(p, n);
}

/* ---- comparisons and searches ---- */

static void check_compare(struct site site, const void *a, const void *b, size_t n) {
    check_read(site, a, n);
    check_read(site, b, n);
}

EXPORT int memcmp(const void *a, const void *b, size_t n) {
    check_compare(HERE, a, b, n);
    return REAL(memcmp)(a, b, n);
}

EXPORT int bcmp(const void *a, const void *b, size_t n) {
    check_compare(HERE, a, b, n);
    return REAL(bcmp)(a, b, n);
}

EXPORT int __memcmpeq(const void *a, const void *b, size_t n) {
    check_compare(HERE, a, b, n);
    return REAL(__memcmpeq)(a, b, n);
}

/* It stops at the byte, and C says that n may be too large then. */
static void check_find(struct site site, const void *p, int value, size_t n) {
    size_t limit = limit_for(site, p);
    if (n > limit && REAL(memchr)(p, value, limit) == NULL) check_fail(site, MALLOW_READ, p, n);
}

EXPORT void *memchr(const void *p, int value, size_t n) {
    check_find(HERE, p, value, n);
    return REAL(memchr)(p, value, n);
}

EXPORT void *rawmemchr(const void *p, int value) {
    size_t limit = limit_of(p);
    if (limit != SIZE_MAX) check_find(HERE, p, value, limit + 1);
    return REAL(rawmemchr)(p, value);
}
ALIAS(__rawmemchr, rawmemchr)

EXPORT void *memrchr(const void *p, int value, size_t n) {
    check_read(HERE, p, n);
    return REAL(memrchr)(p, value, n);
}

EXPORT void *memmem(const void *p, size_t n, const void *wanted, size_t length) {
    check_read(HERE, p, n);
    check_read(HERE, wanted, length);
    return REAL(memmem)(p, n, wanted, length);
}
