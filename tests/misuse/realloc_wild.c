/* expect: mallow: [a-z ]+ of 0x */
/* Passes realloc an address without memory. */
#include "twin.h"

int main(int argc, char **argv) {
    (void)argc;
    void *volatile p = realloc(EITHER((void *)number(argv[1]), NULL), 100);
    free(p);
    return 0;
}
