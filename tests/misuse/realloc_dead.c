/* expect: mallow: [a-z ]+ of 0x */
/* Passes realloc a freed block. */
#include "twin.h"

int main(int argc, char **argv) {
    (void)argc;
    void *volatile p = malloc(number(argv[1]));
    MISUSE(free(p));
    p = realloc(p, number(argv[2]));
    free(p);
    return 0;
}
