/* expect: mallow: (double|invalid) free of 0x */
/* Frees a large block twice. Its pages may be part of a larger free run by then, so that the second
 * free may be reported as invalid. */
#include "twin.h"

int main(int argc, char **argv) {
    (void)argc;
    void *volatile p = malloc(number(argv[1]));
    free(p);
    MISUSE(free(p));
    return 0;
}
