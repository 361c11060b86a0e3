/* expect: mallow: (double|invalid) free of 0x */
#include "twin.h"

#include <malloc.h>

/* A slot far behind the only one of its size that was ever handed out. */
int main(int argc, char **argv) {
    (void)argc;
    char *volatile p = malloc(number(argv[1]));
    free(EITHER(p + 40 * malloc_usable_size(p), p));
    return 0;
}
