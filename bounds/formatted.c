/* Functions that format text. Only the output is checked, not the arguments that a format reads. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <wchar.h>

#include "check.h"

/*
 * A program may pass a size that exceeds its buffer if it knows that the text is short, so the
 * check uses the length of the text. If the size exceeds the block, the text is formatted twice to
 * determine that length.
 */
static void check_text(struct site site, char *to, size_t size, const char *format,
                       va_list arguments) {
    if (size <= limit_for(site, to)) return;
    va_list again;
    int before = errno;
    va_copy(again, arguments);
    int length = REAL(vsnprintf)(NULL, 0, format, again);
    va_end(again);
    errno = before;
    if (length >= 0) check_write(site, to, min_size((size_t)length + 1, size));
}

CHECKED(int, vsprintf, (char *to, const char *format, va_list arguments), (to, format, arguments),
        check_text(HERE, to, SIZE_MAX, format, arguments))

CHECKED(int, __vsprintf_chk,
        (char *to, int flag, size_t objsize, const char *format, va_list arguments),
        (to, flag, objsize, format, arguments), check_text(HERE, to, SIZE_MAX, format, arguments))

CHECKED(int, vsnprintf, (char *to, size_t size, const char *format, va_list arguments),
        (to, size, format, arguments), check_text(HERE, to, size, format, arguments))
ALIAS(__vsnprintf, vsnprintf)

CHECKED(int, __vsnprintf_chk,
        (char *to, size_t size, int flag, size_t objsize, const char *format, va_list arguments),
        (to, size, flag, objsize, format, arguments), check_text(HERE, to, size, format, arguments))

/* libc does not report the length of a wide text that does not fit, so the size is checked. */
CHECKED(int, vswprintf, (wchar_t * to, size_t size, const wchar_t *format, va_list arguments),
        (to, size, format, arguments), check_write(HERE, to, array_bytes(size, sizeof *to)))

CHECKED(int, __vswprintf_chk,
        (wchar_t * to, size_t size, int flag, size_t objsize, const wchar_t *format,
         va_list arguments),
        (to, size, flag, objsize, format, arguments),
        check_write(HERE, to, array_bytes(size, sizeof *to)))

/* These functions do not report the length of a text that does not fit either. */
CHECKED(size_t, strftime, (char *to, size_t size, const char *format, const struct tm *time),
        (to, size, format, time), check_write(HERE, to, size))

CHECKED(size_t, strftime_l,
        (char *to, size_t size, const char *format, const struct tm *time, locale_t locale),
        (to, size, format, time, locale), check_write(HERE, to, size))
ALIAS(__strftime_l, strftime_l)

CHECKED(size_t, wcsftime, (wchar_t * to, size_t size, const wchar_t *format, const struct tm *time),
        (to, size, format, time), check_write(HERE, to, array_bytes(size, sizeof *to)))

CHECKED(size_t, wcsftime_l,
        (wchar_t * to, size_t size, const wchar_t *format, const struct tm *time, locale_t locale),
        (to, size, format, time, locale), check_write(HERE, to, array_bytes(size, sizeof *to)))
ALIAS(__wcsftime_l, wcsftime_l)

/* ---- functions with variable arguments ---- */

#define WITH_ARGUMENTS(last, result, work) \
    va_list arguments;                     \
    va_start(arguments, last);             \
    work;                                  \
    int length = result;                   \
    va_end(arguments);                     \
    return length

EXPORT int sprintf(char *to, const char *format, ...) {
    WITH_ARGUMENTS(format, REAL(vsprintf)(to, format, arguments),
                   check_text(HERE, to, SIZE_MAX, format, arguments));
}

EXPORT int __sprintf_chk(char *to, int flag, size_t objsize, const char *format, ...) {
    WITH_ARGUMENTS(format, REAL(__vsprintf_chk)(to, flag, objsize, format, arguments),
                   check_text(HERE, to, SIZE_MAX, format, arguments));
}

EXPORT int snprintf(char *to, size_t size, const char *format, ...) {
    WITH_ARGUMENTS(format, REAL(vsnprintf)(to, size, format, arguments),
                   check_text(HERE, to, size, format, arguments));
}

EXPORT int __snprintf_chk(char *to, size_t size, int flag, size_t objsize, const char *format,
                          ...) {
    WITH_ARGUMENTS(format, REAL(__vsnprintf_chk)(to, size, flag, objsize, format, arguments),
                   check_text(HERE, to, size, format, arguments));
}

EXPORT int swprintf(wchar_t *to, size_t size, const wchar_t *format, ...) {
    WITH_ARGUMENTS(format, REAL(vswprintf)(to, size, format, arguments),
                   check_write(HERE, to, array_bytes(size, sizeof *to)));
}

EXPORT int __swprintf_chk(wchar_t *to, size_t size, int flag, size_t objsize, const wchar_t *format,
                          ...) {
    WITH_ARGUMENTS(format, REAL(__vswprintf_chk)(to, size, flag, objsize, format, arguments),
                   check_write(HERE, to, array_bytes(size, sizeof *to)));
}
