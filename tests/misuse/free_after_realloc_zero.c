/* expect: mallow: double free of 0x */
/* Frees a block that realloc with size 0 has freed. */
#include "twin.h"

int main(void) {
    void *volatile p = malloc(32);
    void *volatile gone = realloc(p, 0);
    MISUSE(free(p));
    free(gone);
    return 0;
}
