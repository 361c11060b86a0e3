/* expect: mallow: (double|invalid) free of 0x */
/* Frees the address at the end of a block. */
#include "twin.h"

#include <malloc.h>

int main(int argc, char **argv) {
    (void)argc;
    char *volatile p = malloc(number(argv[1]));
    free(EITHER(p + malloc_usable_size(p), p));
    return 0;
}
