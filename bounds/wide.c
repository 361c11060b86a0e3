/* Functions for wide strings and wide memory, and conversions between wide strings and strings. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "check.h"

#define CHAR wchar_t
#define STR(x) wcs##x
#define STP(x) wcp##x
#define MEMCHR wmemchr
#define CHAR_ARGUMENT wchar_t
#include "string_template.h"

ALIAS(wcswcs, wcsstr)
ALIAS(__wcscasecmp_l, wcscasecmp_l)
ALIAS(__wcsncasecmp_l, wcsncasecmp_l)
ALIAS(__wcscoll_l, wcscoll_l)
ALIAS(__wcsxfrm_l, wcsxfrm_l)

EXPORT wchar_t *wcstok(wchar_t *s, const wchar_t *set, wchar_t **rest) {
    const wchar_t *at = s != NULL ? s : *rest;
    if (at != NULL) check_string(HERE, at);
    check_string(HERE, set);
    return REAL(wcstok)(s, set, rest);
}

CHECKED(int, wcswidth, (const wchar_t *s, size_t max), (s, max), read_string(HERE, s, max))

/* ---- memory ---- */

#define ELEMENT wchar_t
#define VALUE wchar_t
#define MEM(x) wmem##x
#define MEM_BYTES(n) bytes_of(n)
#include "memory_template.h"

EXPORT wchar_t *wmemchr(const wchar_t *s, wchar_t c, size_t n) {
    size_t limit = limit_in_characters(s);
    if (n > limit && REAL(wmemchr)(s, c, limit) == NULL)
        check_fail(HERE, MALLOW_READ, s, bytes_of(n));
    return REAL(wmemchr)(s, c, n);
}

/* ---- conversions ---- */

/*
 * As with snprintf, the size may exceed the buffer as long as the text does not. If the size
 * exceeds the block, the text is therefore converted once more to determine its length.
 */
static bool may_overflow(const void *to, size_t bytes) {
    return to != NULL && bytes > limit_of(to);
}

/* Checks the result of a conversion. `length` is -1 if the text cannot be converted. If `ends` is
 * true, the conversion also writes the terminator. */
static void check_converted(struct site site, void *to, size_t length, bool ends, size_t size,
                            size_t each) {
    size_t needed = length + ends;
    if (length != (size_t)-1) check_write(site, to, array_bytes(min_size(needed, size), each));
}

/* Checks a string of which at most `max` characters are converted. Each takes one byte or more, so
 * a block of fewer than `max` bytes must contain the end of the string. */
static void check_multibyte(struct site site, const char *s, size_t max) {
    size_t limit = limit_for(site, s);
    if (limit < max && REAL(strnlen)(s, limit) == limit) check_fail(site, MALLOW_STRING, s, 0);
}

static mbstate_t state_at(const mbstate_t *state) {
    return state != NULL ? *state : (mbstate_t){0};
}

static void check_to_wide(struct site site, wchar_t *to, const char *from, size_t n,
                          const mbstate_t *state) {
    mbstate_t copy = state_at(state);
    if (to == NULL) n = SIZE_MAX;
    check_multibyte(site, from, n);
    if (may_overflow(to, bytes_of(n)))
        check_converted(site, to, REAL(mbsrtowcs)(NULL, &from, 0, &copy), true, n, sizeof(wchar_t));
}

static void check_to_narrow(struct site site, char *to, const wchar_t *from, size_t n,
                            const mbstate_t *state) {
    mbstate_t copy = state_at(state);
    if (to == NULL) check_string(site, from);
    if (may_overflow(to, n))
        check_converted(site, to, REAL(wcsrtombs)(NULL, &from, 0, &copy), true, n, 1);
}

static void check_some_to_wide(struct site site, wchar_t *to, const char *from, size_t bytes,
                               size_t n, const mbstate_t *state) {
    mbstate_t copy = state_at(state);
    check_multibyte(site, from, min_size(bytes, n));
    if (may_overflow(to, bytes_of(n)))
        check_converted(site, to, REAL(mbsnrtowcs)(NULL, &from, bytes, 0, &copy),
                        REAL(strnlen)(from, bytes) < bytes, n, sizeof(wchar_t));
}

static void check_some_to_narrow(struct site site, char *to, const wchar_t *from, size_t max,
                                 size_t n, const mbstate_t *state) {
    mbstate_t copy = state_at(state);
    if (to == NULL) read_string(site, from, max);
    if (may_overflow(to, n))
        check_converted(site, to, REAL(wcsnrtombs)(NULL, &from, max, 0, &copy),
                        REAL(wcsnlen)(from, max) < max, n, 1);
}

CHECKED(size_t, mbstowcs, (wchar_t * to, const char *from, size_t n), (to, from, n),
        check_to_wide(HERE, to, from, n, NULL))

CHECKED(size_t, __mbstowcs_chk, (wchar_t * to, const char *from, size_t n, size_t objsize),
        (to, from, n, objsize), check_to_wide(HERE, to, from, n, NULL))

CHECKED(size_t, mbsrtowcs, (wchar_t * to, const char **from, size_t n, mbstate_t *state),
        (to, from, n, state), check_to_wide(HERE, to, *from, n, state))

CHECKED(size_t, __mbsrtowcs_chk,
        (wchar_t * to, const char **from, size_t n, mbstate_t *state, size_t objsize),
        (to, from, n, state, objsize), check_to_wide(HERE, to, *from, n, state))

CHECKED(size_t, mbsnrtowcs,
        (wchar_t * to, const char **from, size_t bytes, size_t n, mbstate_t *state),
        (to, from, bytes, n, state), check_some_to_wide(HERE, to, *from, bytes, n, state))

CHECKED(size_t, __mbsnrtowcs_chk,
        (wchar_t * to, const char **from, size_t bytes, size_t n, mbstate_t *state, size_t objsize),
        (to, from, bytes, n, state, objsize), check_some_to_wide(HERE, to, *from, bytes, n, state))

CHECKED(size_t, wcstombs, (char *to, const wchar_t *from, size_t n), (to, from, n),
        check_to_narrow(HERE, to, from, n, NULL))

CHECKED(size_t, __wcstombs_chk, (char *to, const wchar_t *from, size_t n, size_t objsize),
        (to, from, n, objsize), check_to_narrow(HERE, to, from, n, NULL))

CHECKED(size_t, wcsrtombs, (char *to, const wchar_t **from, size_t n, mbstate_t *state),
        (to, from, n, state), check_to_narrow(HERE, to, *from, n, state))

CHECKED(size_t, __wcsrtombs_chk,
        (char *to, const wchar_t **from, size_t n, mbstate_t *state, size_t objsize),
        (to, from, n, state, objsize), check_to_narrow(HERE, to, *from, n, state))

CHECKED(size_t, wcsnrtombs,
        (char *to, const wchar_t **from, size_t max, size_t n, mbstate_t *state),
        (to, from, max, n, state), check_some_to_narrow(HERE, to, *from, max, n, state))

CHECKED(size_t, __wcsnrtombs_chk,
        (char *to, const wchar_t **from, size_t max, size_t n, mbstate_t *state, size_t objsize),
        (to, from, max, n, state, objsize), check_some_to_narrow(HERE, to, *from, max, n, state))
