/* expect: mallow: invalid free of 0x[0-9a-f]+ \(.*inside.*\) */
/* Frees an address inside an aligned block. */
#include "twin.h"

int main(int argc, char **argv) {
    (void)argc;
    char *volatile p = aligned_alloc(number(argv[1]), number(argv[1]));
    free(EITHER(p + 16, p));
    return 0;
}
