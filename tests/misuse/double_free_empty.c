/* expect: mallow: double free of 0x */
/* Frees a block of no bytes twice. */
#include "twin.h"

int main(void) {
    void *volatile p = malloc(0);
    free(p);
    MISUSE(free(p));
    return 0;
}
