/* expect: mallow: invalid free of 0x[0-9a-f]+ \(.*inside.*\) */
/* Frees an address inside a block. */
#include "twin.h"

int main(int argc, char **argv) {
    (void)argc;
    char *volatile p = malloc(number(argv[1]));
    free(EITHER(p + number(argv[2]), p));
    return 0;
}
