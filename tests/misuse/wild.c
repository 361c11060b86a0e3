/* expect: mallow: invalid free of 0x */
/* Frees an address without memory. */
#include "twin.h"

int main(int argc, char **argv) {
    (void)argc;
    void *volatile p = EITHER((void *)number(argv[1]), NULL);
    free(p);
    return 0;
}
