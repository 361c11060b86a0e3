/* expect: mallow: (double|invalid) free of 0x */
/* Frees an address 16 bytes before a block. */
#include "twin.h"

int main(int argc, char **argv) {
    (void)argc;
    char *volatile p = malloc(number(argv[1]));
    free(EITHER(p - 16, p));
    return 0;
}
