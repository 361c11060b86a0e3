/* expect: mallow: double free of 0x */
/* Frees a block that realloc has moved. */
#include "twin.h"

int main(void) {
    void *volatile p = malloc(32);
    void *volatile moved = realloc(p, 5000);
    free(moved);
    MISUSE(free(p));
    return 0;
}
