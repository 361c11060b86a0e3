/* expect: mallow: [a-z ]+ of 0x */
/* Passes malloc_usable_size an address inside a block. */
#include "twin.h"

#include <malloc.h>

int main(void) {
    char *volatile p = malloc(32);
    size_t size = malloc_usable_size(EITHER(p + 16, p));
    free(p);
    return size < 32;
}
