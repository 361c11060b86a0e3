/* expect: mallow: [a-z ]+ of 0x */
/* Passes reallocarray a freed block. */
#include "twin.h"

int main(void) {
    void *volatile p = malloc(32);
    MISUSE(free(p));
    p = reallocarray(p, 10, 10);
    free(p);
    return 0;
}
