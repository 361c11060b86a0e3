/* cause: heap overflow | modes: full guard | variants: memcpy mempcpy memmove bcopy memcmp bcmp
 * memchr memrchr memmem strlen strnlen strcpy stpcpy strcat strcmp strncmp strchr strrchr strstr
 * strdup strspn wcslen wcscpy wcscmp wcschr wmemcpy wmemcmp wmemchr | asan: all but mempcpy bcopy
 * stpcpy wcscpy wcscmp wcschr wmemcpy wmemcmp wmemchr */
#define _GNU_SOURCE
#include "checked.h"

/* Each function reads one byte or wide character too many, or a string without a NUL. */
int main(int argc, char **argv) {
    (void)argc;
    name = argv[1];
    blocks_make();
    memset(p, '7', SIZE - !FAULTY);
    wmemset(w, L'7', SIZE - !FAULTY);
    size_t n = EITHER(SIZE + 1, SIZE);
    char to[4 * SIZE] = "";
    wchar_t wide_to[4 * SIZE] = L"";
    volatile long result = 0;
    IF(memcpy) memcpy(to, p, n);   /* BUG:memcpy */
    IF(mempcpy) mempcpy(to, p, n); /* BUG:mempcpy */
    IF(memmove) memmove(to, p, n); /* BUG:memmove */
    IF(bcopy) bcopy(p, to, n);     /* BUG:bcopy */
    memset(text, '7', SIZE + 1);
    IF(memcmp) result = memcmp(p, text, n);           /* BUG:memcmp */
    IF(bcmp) result = bcmp(p, text, n);               /* BUG:bcmp */
    IF(memchr) result = memchr(p, '#', n) != NULL;    /* BUG:memchr */
    IF(memrchr) result = memrchr(p, '#', n) != NULL;  /* BUG:memrchr */
    IF(memmem) result = memmem(p, n, "#", 1) != NULL; /* BUG:memmem */
    IF(strlen) result = (long)strlen(p);              /* BUG:strlen */
    IF(strnlen) result = (long)strnlen(p, n);         /* BUG:strnlen */
    IF(strcpy) strcpy(to, p);                         /* BUG:strcpy */
    IF(stpcpy) stpcpy(to, p);                         /* BUG:stpcpy */
    IF(strcat) strcat(to, p);                         /* BUG:strcat */
    IF(strcmp) result = strcmp(p, text);              /* BUG:strcmp */
    IF(strncmp) result = strncmp(p, text, n);         /* BUG:strncmp */
    IF(strchr) result = strchr(p, '#') != NULL;       /* BUG:strchr */
    IF(strrchr) result = strrchr(p, '#') != NULL;     /* BUG:strrchr */
    IF(strstr) result = strstr(p, "#") != NULL;       /* BUG:strstr */
    IF(strdup) free(strdup(p));                       /* BUG:strdup */
    IF(strspn) result = (long)strspn(p, "7");         /* BUG:strspn */
    IF(wcslen) result = (long)wcslen(w);              /* BUG:wcslen */
    IF(wcscpy) wcscpy(wide_to, w);                    /* BUG:wcscpy */
    wmemset(wide, L'7', SIZE + 1);
    IF(wcscmp) result = wcscmp(w, wide);              /* BUG:wcscmp */
    IF(wcschr) result = wcschr(w, L'#') != NULL;      /* BUG:wcschr */
    IF(wmemcpy) wmemcpy(wide_to, w, n);               /* BUG:wmemcpy */
    IF(wmemcmp) result = wmemcmp(w, wide, n);         /* BUG:wmemcmp */
    IF(wmemchr) result = wmemchr(w, L'#', n) != NULL; /* BUG:wmemchr */
    (void)result;
    blocks_free();
    return 0;
}
