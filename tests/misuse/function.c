/* expect: mallow: invalid free of 0x */
/* Frees the address of a function. */
#include "twin.h"

int main(void) {
    void *volatile p = EITHER((void *)main, malloc(1));
    free(p);
    return 0;
}
