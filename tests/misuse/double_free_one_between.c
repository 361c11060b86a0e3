/* expect: mallow: double free of 0x */
/* Frees a block twice, with the free of another block in between. */
#include "twin.h"

int main(void) {
    void *volatile p = malloc(32);
    void *volatile other = malloc(32);
    free(p);
    free(other);
    MISUSE(free(p));
    return 0;
}
