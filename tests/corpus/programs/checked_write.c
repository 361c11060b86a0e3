/* cause: heap overflow | modes: full guard | variants: memcpy mempcpy memccpy memmove bcopy memset
 * bzero explicit_bzero memfrob strcpy stpcpy strcat strncpy stpncpy strncat sprintf snprintf
 * vsprintf wcscpy wcpcpy wcscat wcsncpy wcsncat wmemcpy wmempcpy wmemmove wmemset | asan: all but
 * mempcpy memccpy bcopy explicit_bzero memfrob stpcpy stpncpy wcscpy wcpcpy wcsncpy wmemcpy
 * wmempcpy wmemmove wmemset */
#define _GNU_SOURCE
#include "checked.h"

#include <stdarg.h>

__attribute__((noinline)) static void print(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsprintf(p, format, arguments); /* BUG:vsprintf */
    va_end(arguments);
}

/* Each function writes n bytes or wide characters, one too many, to a block of SIZE. */
int main(int argc, char **argv) {
    (void)argc;
    name = argv[1];
    blocks_make();
    size_t n = EITHER(SIZE + 1, SIZE);
    IF(memcpy) memcpy(p, text, n);            /* BUG:memcpy */
    IF(mempcpy) mempcpy(p, text, n);          /* BUG:mempcpy */
    IF(memccpy) memccpy(p, text, '#', n);     /* BUG:memccpy */
    IF(memmove) memmove(p, text, n);          /* BUG:memmove */
    IF(bcopy) bcopy(text, p, n);              /* BUG:bcopy */
    IF(memset) memset(p, 'x', n);             /* BUG:memset */
    IF(bzero) bzero(p, n);                    /* BUG:bzero */
    IF(explicit_bzero) explicit_bzero(p, n);  /* BUG:explicit_bzero */
    IF(memfrob) memfrob(p, n);                /* BUG:memfrob */
    IF(strcpy) strcpy(p, text_of(n));         /* BUG:strcpy */
    IF(stpcpy) stpcpy(p, text_of(n));         /* BUG:stpcpy */
    IF(strcat) strcat(p, text_of(n));         /* BUG:strcat */
    IF(strncpy) strncpy(p, "a", n);           /* BUG:strncpy */
    IF(stpncpy) stpncpy(p, "a", n);           /* BUG:stpncpy */
    IF(strncat) strncat(p, text, n - 1);      /* BUG:strncat */
    IF(sprintf) sprintf(p, "%s", text_of(n)); /* BUG:sprintf */
    IF(snprintf) snprintf(p, n, "%s", text);  /* BUG:snprintf */
    IF(vsprintf) print("%s", text_of(n));
    IF(wcscpy) wcscpy(w, wide_of(n));    /* BUG:wcscpy */
    IF(wcpcpy) wcpcpy(w, wide_of(n));    /* BUG:wcpcpy */
    IF(wcscat) wcscat(w, wide_of(n));    /* BUG:wcscat */
    IF(wcsncpy) wcsncpy(w, L"a", n);     /* BUG:wcsncpy */
    IF(wcsncat) wcsncat(w, wide, n - 1); /* BUG:wcsncat */
    IF(wmemcpy) wmemcpy(w, wide, n);     /* BUG:wmemcpy */
    IF(wmempcpy) wmempcpy(w, wide, n);   /* BUG:wmempcpy */
    IF(wmemmove) wmemmove(w, wide, n);   /* BUG:wmemmove */
    IF(wmemset) wmemset(w, L'x', n);     /* BUG:wmemset */
    blocks_free();
    return 0;
}
