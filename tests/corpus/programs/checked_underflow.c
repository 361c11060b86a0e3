/* cause: heap underflow | modes: full guard | variants: memcpy memmove memset strcpy strncpy memcmp
 * wmemset read | asan: all but wmemset */
#define _GNU_SOURCE
#include <fcntl.h>

#include "checked.h"

/* Each function begins before the block. */
int main(int argc, char **argv) {
    (void)argc;
    name = argv[1];
    blocks_make();
    char *start = HIDDEN(EITHER(p - 8, p));
    wchar_t *wide_start = HIDDEN(EITHER(w - 2, w));
    volatile int result = 0;
    IF(memcpy) memcpy(start, text, 16);                                       /* BUG:memcpy */
    IF(memmove) memmove(start, text, 16);                                     /* BUG:memmove */
    IF(memset) memset(start, 'x', 16);                                        /* BUG:memset */
    IF(strcpy) strcpy(start, text_of(16));                                    /* BUG:strcpy */
    IF(strncpy) strncpy(start, "a", 16);                                      /* BUG:strncpy */
    IF(memcmp) result = memcmp(start, p, 16);                                 /* BUG:memcmp */
    IF(wmemset) wmemset(wide_start, L'x', 4);                                 /* BUG:wmemset */
    IF(read) result = (int)read(open("/proc/self/exe", O_RDONLY), start, 16); /* BUG:read */
    (void)result;
    blocks_free();
    return 0;
}
