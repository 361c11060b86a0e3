/* expect: mallow: double free of 0x */
#include "twin.h"

int main(void) {
    void *volatile p = malloc(32);
    void *volatile gone = realloc(p, 0);
    MISUSE(free(p));
    free(gone);
    return 0;
}
