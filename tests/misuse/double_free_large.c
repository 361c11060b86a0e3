/* expect: mallow: (double|invalid) free of 0x */
#include "twin.h"

int main(int argc, char **argv) {
    (void)argc;
    void *volatile p = malloc(number(argv[1]));
    free(p);
    MISUSE(free(p));
    return 0;
}
