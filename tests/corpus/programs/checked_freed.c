/* cause: use after free | modes: full guard | variants: memcpy memcpy_from memmove memset strcpy
 * strcat strncpy strlen strcmp strdup memcmp memchr wcscpy wcslen wmemset sprintf read fread |
 * asan: all but wcscpy wmemset */
#define _GNU_SOURCE
#include <fcntl.h>

#include "checked.h"

/* Each function is called on a block that was freed. */
int main(int argc, char **argv) {
    (void)argc;
    name = argv[1];
    blocks_make();
    FILE *stream = fmemopen(text, sizeof text, "r");
    MISUSE(free(p), free(w)); /* FREED */
    char to[SIZE];
    volatile long result = 0;
    IF(memcpy) memcpy(p, text, SIZE);                                  /* BUG:memcpy */
    IF(memcpy_from) memcpy(to, p, SIZE);                               /* BUG:memcpy_from */
    IF(memmove) memmove(p, text, SIZE);                                /* BUG:memmove */
    IF(memset) memset(p, 'x', SIZE);                                   /* BUG:memset */
    IF(strcpy) strcpy(p, text_of(SIZE));                               /* BUG:strcpy */
    IF(strcat) strcat(p, "x");                                         /* BUG:strcat */
    IF(strncpy) strncpy(p, text, SIZE);                                /* BUG:strncpy */
    IF(strlen) result = (long)strlen(p);                               /* BUG:strlen */
    IF(strcmp) result = strcmp(p, text);                               /* BUG:strcmp */
    IF(strdup) free(strdup(p));                                        /* BUG:strdup */
    IF(memcmp) result = memcmp(p, text, SIZE);                         /* BUG:memcmp */
    IF(memchr) result = memchr(p, 1, SIZE) == p;                       /* BUG:memchr */
    IF(wcscpy) wcscpy(w, wide_of(SIZE));                               /* BUG:wcscpy */
    IF(wcslen) result = (long)wcslen(w);                               /* BUG:wcslen */
    IF(wmemset) wmemset(w, L'x', SIZE);                                /* BUG:wmemset */
    IF(sprintf) sprintf(p, "%d", 1);                                   /* BUG:sprintf */
    IF(read) result = read(open("/proc/self/exe", O_RDONLY), p, SIZE); /* BUG:read */
    IF(fread) result = (long)fread(p, 1, SIZE, stream);                /* BUG:fread */
    (void)result;
    fclose(stream);
    if (!FAULTY) blocks_free();
    return 0;
}
