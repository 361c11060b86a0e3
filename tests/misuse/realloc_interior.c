/* expect: mallow: [a-z ]+ of 0x */
/* Passes realloc an address inside a block. */
#include "twin.h"

int main(int argc, char **argv) {
    (void)argc;
    char *volatile p = malloc(number(argv[1]));
    p = realloc(EITHER(p + 16, p), 2 * number(argv[1]));
    free(p);
    return 0;
}
