/* expect: mallow: double free of 0x[0-9a-f]+ \(slot [0-9]+ of a [0-9]+-byte slab, thread [0-9] */
/* Frees a block twice. */
#include "twin.h"

int main(int argc, char **argv) {
    (void)argc;
    void *volatile p = malloc(number(argv[1]));
    free(p);
    MISUSE(free(p));
    return 0;
}
