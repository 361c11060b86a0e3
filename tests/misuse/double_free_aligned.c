/* expect: mallow: double free of 0x */
/* Frees an aligned block twice. */
#include "twin.h"

int main(int argc, char **argv) {
    (void)argc;
    void *p;
    if (posix_memalign(&p, number(argv[1]), 100) != 0) return 1;
    void *volatile hidden = p;
    free(hidden);
    MISUSE(free(hidden));
    return 0;
}
