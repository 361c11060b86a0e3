/* expect: mallow: (double|invalid) free of 0x */
/* Frees a slot that was never handed out, far from the only used slot of its size. */
#include "twin.h"

#include <malloc.h>

int main(int argc, char **argv) {
    (void)argc;
    char *volatile p = malloc(number(argv[1]));
    free(EITHER(p + 40 * malloc_usable_size(p), p));
    return 0;
}
