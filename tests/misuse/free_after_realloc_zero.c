/* expect: mallow: double free of 0x */
#include "misuse.h"

int main(void) {
    void *volatile p = malloc(32);
    void *volatile gone = realloc(p, 0);
    BUG(free(p));
    free(gone);
    return 0;
}
