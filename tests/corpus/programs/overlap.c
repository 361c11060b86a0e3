/* cause: overlap | modes: full guard | variants: forward backward mempcpy wmemcpy strcpy | asan:
 * all but mempcpy wmemcpy */
#define _GNU_SOURCE
#include "checked.h"

int main(int argc, char **argv) {
    (void)argc;
    name = argv[1];
    blocks_make();
    strcpy(p, "0123456789");
    size_t by = EITHER(4, 12);
    IF(forward) memcpy(p + by, p, 10);  /* BUG:forward */
    IF(backward) memcpy(p, p + by, 10); /* BUG:backward */
    IF(mempcpy) mempcpy(p + by, p, 10); /* BUG:mempcpy */
    IF(wmemcpy) wmemcpy(w + by, w, 10); /* BUG:wmemcpy */
    IF(strcpy) strcpy(p, p + by);       /* BUG:strcpy */
    blocks_free();
    return 0;
}
